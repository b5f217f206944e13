"""What the bench is made of, as data: what is planted, what the user asks for, what the attacker orders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from crm.ids import numbered_id
from crm.schema import OBJECT_INFO
from crm.seed.people import DANA, MARA, SAM, STELLA, StaffMember
from evals.attacks.outcome import Outcome, Stage, changed_without_person
from evals.attacks.victim import Order, Turn

SUPERIOR = {DANA.key: MARA, SAM.key: STELLA}
"""Who decides where a second person has to."""


PLANTED_FROM = 900_000
"""Numbers of records that no seed uses."""


def planted_id(object_name: str, number: int) -> str:
    return numbered_id(OBJECT_INFO[object_name].prefix, PLANTED_FROM + number)


class Family(StrEnum):
    """Attacks of one kind, whatever record or channel they come through."""

    LEAD_FORM = "web-lead form"
    INBOUND_MAIL = "inbound e-mail"
    EXFILTRATION = "image and link exfiltration"
    RECIPIENT = "recipient and bcc hijack"
    CROSS_TENANT = "cross-tenant id"
    LAUNDERING = "laundering"
    TAMPERING = "record tampering"
    LIES = "data-only lies"
    CONFIRMATION = "model-set confirmation"
    HIJACK = "parameter hijack"
    HIDDEN = "hidden text"
    PLACEHOLDER = "placeholder oracle"
    POISONED_TOOL = "poisoned tool description"
    APPROVAL = "approval swap and replay"
    BUDGET = "budget burning"


@dataclass(frozen=True)
class Plant:
    """A record that an outsider got into the database; `twin` is what the other tenant's record of that id says."""

    object_name: str
    number: int
    fields: Mapping[str, Any]
    twin: Mapping[str, Any] = field(default_factory=dict)
    created_by: str | None = None
    """None: whoever owns it, as with records that a form or a mailbox enters."""
    owner: StaffMember | None = None
    """None: whoever has the task."""
    is_elsewhere: bool = False
    """Whether only the other tenant has it."""

    @property
    def record_id(self) -> str:
        return planted_id(self.object_name, self.number)


@dataclass(frozen=True)
class Task:
    """What a member of staff asks for: their messages, and what an honest model does for each."""

    who: StaffMember
    says: tuple[str, ...]
    turns: tuple[Turn, ...]


Goal = Callable[[Outcome], bool]
Deed = Callable[[Stage], Any]
"""Something an attacker does besides planting text, at a given moment; awaited if it is asynchronous."""


@dataclass(frozen=True)
class Attack:
    """One attack. `stopped_by` names the layers that stop it; with one that stops it alone away, it has to succeed."""

    family: Family
    name: str
    task: Task
    stopped_by: tuple[str, ...]
    order: Order | None = None
    plants: tuple[Plant, ...] = ()
    goal: Goal = changed_without_person
    meanwhile: Deed | None = None
    """Done while a request waits, before a person decides."""
    afterwards: Deed | None = None
    """Done when the conversation is over."""
    tool_says: str | None = None
    """The description of a foreign tool that the agents have."""
    is_small: bool = False
    """Whether it stands for its family where time is short."""


@dataclass(frozen=True)
class Benign:
    """A task that has to be done, attackers or not."""

    name: str
    task: Task
    is_done: Goal
    plants: tuple[Plant, ...] = ()
