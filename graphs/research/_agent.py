"""Who does research, what it is started with, and how much it may use up."""

from dataclasses import dataclass, replace
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from agents._agent import DomainAgent
from graphs.context import RunContext
from tools.accounts import lookup_account
from tools.activities import activities_timeline
from tools.cases import fetch_cases, similar_cases
from tools.knowledge import search_knowledge
from tools.metrics import ask_metric
from tools.records import aggregate_records, find_record, get_record, query_records
from trust.scopes import CRM_READ, KNOWLEDGE_READ

NAME: Final = "research"
MOST_WORKERS: Final = 12
_READING = frozenset({CRM_READ, KNOWLEDGE_READ})


class ResearchGiven(BaseModel):
    """What research is started with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str = Field(min_length=1, max_length=200, description="The record it is about: its name, number or id.")
    question: str | None = Field(
        default=None, max_length=1_000, description="What to find out beyond what the record and its children hold."
    )
    workers: int = Field(default=MOST_WORKERS, ge=1, le=MOST_WORKERS, description="How many sub-questions at most.")


@dataclass(frozen=True)
class Budget:
    """What one sub-question may use up. All of them together are bounded by how many there may be."""

    calls: int = 8
    model_calls: int = 4
    seconds: float = 20
    rows: int = 12
    """How many records of a kind are looked at, and told of."""


RESEARCHER: Final = DomainAgent(
    name=NAME,
    label="Research",
    handles=(),
    home_object=None,
    instructions=(
        "You answer one sub-question about records of the CRM, as part of a larger piece of research. Look the facts "
        "up with your tools, which only read, and answer in a few short sentences that say nothing else. Name the "
        "record behind each fact as [Object:Id]."
    ),
    tools=(
        find_record,
        get_record,
        query_records,
        aggregate_records,
        activities_timeline,
        lookup_account,
        fetch_cases,
        similar_cases,
        ask_metric,
        search_knowledge,
    ),
)


def only_reading(context: RunContext) -> RunContext:
    """The run on behalf of the same person with scopes that only read: the guards deny everything else.

    Whatever tool the agent lists, and whatever a model is talked into, no grant for a write can come of it.
    """
    principal = context.principal
    return replace(context, principal=replace(principal, scopes=principal.scopes & _READING))
