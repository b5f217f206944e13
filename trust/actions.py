"""What is about to happen, in trust's own words: any tool describes itself with these, and guards read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from crm.connector import Change
from crm.ids import TenantId


class Effect(StrEnum):
    """What a tool does to the world. A draft is never a send."""

    READ = "READ"
    DRAFT = "DRAFT"
    WRITE = "WRITE"
    SEND = "SEND"


@dataclass(frozen=True)
class Action:
    """One call of one tool, arguments validated.

    `changes` is None until a writing tool has worked out what it would change; working that out only reads.
    """

    tool: str
    effect: Effect
    scope: str
    arguments: Mapping[str, Any]
    schema_hash: str
    tenant: TenantId
    agent: str
    agent_tools: frozenset[str]
    for_customers: bool = False
    """Whether a verified contact may use the tool at all."""
    changes: tuple[Change, ...] | None = None

    @property
    def is_proposal(self) -> bool:
        """Whether this only works out a change and writes nothing."""
        return self.effect is not Effect.READ and self.changes is None
