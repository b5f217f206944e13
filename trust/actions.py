"""What is about to happen, in trust's own words: any tool describes itself with these, and guards read them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from crm.connector import Change
from crm.fields import to_json
from crm.ids import TenantId
from trust.labels import NOTHING, Label


class Effect(StrEnum):
    """What a tool does to the world. A draft is never a send."""

    READ = "READ"
    DRAFT = "DRAFT"
    WRITE = "WRITE"
    SEND = "SEND"


UNDO = "undo"
"""The tool by which a person takes back what the ledger says was done; no agent has it."""
UNDOER = "ledger"
"""Who stands in an agent's place there. No agent may be called so."""

Role = Literal["target", "recipient", "url", "amount", "content", "option", "confirmation"]


@dataclass(frozen=True)
class Input:
    """One value among the arguments, with where it came from."""

    path: str
    """As in `fields.StageName` or `to[0]`."""
    role: Role
    """What the value decides: which record, who is written to, where to, how much, what is said, how it is done, or
    whether somebody agreed."""
    label: Label
    is_reference: bool = False
    """Whether code resolved it from a reference, instead of taking the model's word for it."""


@dataclass(frozen=True)
class FieldLabels:
    """Where the value that stands in a field comes from, and the one that would replace it."""

    old: Label
    new: Label


@dataclass(frozen=True)
class Recipient:
    """Somebody a message would go to. `record` and `account_id` are None if no record stands behind it."""

    address: str
    label: Label
    record: str | None = None
    """`Contact:003…`, `Lead:00Q…` or `User:005…`."""
    account_id: str | None = None
    may_be_written_to: bool = True
    """False for those who opted out or never agreed."""
    is_staff: bool = False
    name: str = ""
    role: Literal["to", "cc"] = "to"
    why_not: str = ""
    """Why they may not be written to, in words for the person who wanted to."""

    def to_json(self) -> dict[str, Any]:
        """Without whether they may be written to: that is asked again whenever it matters."""
        return {
            "role": self.role,
            "name": self.name,
            "address": self.address,
            "record": self.record,
            "account": self.account_id,
            "is_staff": self.is_staff,
            "label": self.label.to_json(),
        }


@dataclass(frozen=True)
class Enlisted:
    """Somebody whom a change would put on the list of those that a campaign writes to."""

    record: str
    """`Contact:003…` or `Lead:00Q…`."""
    has_opted_out: bool


@dataclass(frozen=True)
class Meeting:
    """What a message invites its recipients to. `starts` and `ends` are aware; no location is an empty text."""

    subject: str
    starts: datetime
    ends: datetime
    location: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "starts": to_json(self.starts),
            "ends": to_json(self.ends),
            "location": self.location,
        }


@dataclass(frozen=True)
class Outgoing:
    """A message that would leave the house, whole: what is not in it is not sent."""

    channel: str
    recipients: tuple[Recipient, ...]
    content: Label
    sender: str = ""
    """The tenant's address."""
    sender_name: str = ""
    reply_to: str | None = None
    subject: str = ""
    body: str = ""
    wrong_reader: Literal["deny", "hold"] = "deny"
    """What the tenant wants if a recipient is not among the readers of the content."""
    sources: Label = NOTHING
    """Where the words come from, as kept when they were written; `content` goes by what the message is about."""
    separately: bool = False
    """Whether each recipient gets a letter of their own, in which the others are not named."""
    meeting: Meeting | None = None
    """Goes along as a part for calendars."""

    def to_json(self) -> dict[str, Any]:
        """All that somebody who approves is shown, and that is compared before anything is sent."""
        shown = {
            "channel": self.channel,
            "from": f"{self.sender_name} <{self.sender}>" if self.sender_name else self.sender,
            "reply_to": self.reply_to,
            "recipients": [one.to_json() for one in self.recipients],
            "subject": self.subject,
            "body": self.body,
            "content": self.content.to_json(),
        }
        more = {} if self.meeting is None else {"meeting": self.meeting.to_json()}
        return shown | more | ({"separately": True} if self.separately else {})


@dataclass(frozen=True)
class ForeignCall:
    """A call of somebody else's tool, whole: what is not in it is not sent."""

    server: str
    """As the tenant's administrators have named it."""
    tool: str
    """As the server has it."""
    arguments: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {"server": self.server, "tool": self.tool, "arguments": dict(self.arguments)}


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
    permission: str | None = None
    """What the person needs besides the scope of their token and their rights to records."""
    changes: tuple[Change, ...] | None = None
    plan: frozenset[str] | None = None
    """The tools that the turn settled on before it read outside text; None while it has read none."""
    inputs: tuple[Input, ...] = ()
    field_labels: Mapping[tuple[str, str], FieldLabels] = field(default_factory=dict)
    """By record id and field, for the changes."""
    outgoing: Outgoing | None = None
    enlisted: tuple[Enlisted, ...] = ()
    most_records: int | None = None
    """How many records the tool says that it may touch at once; None: as many as any."""
    call: ForeignCall | None = None
    """Instead of changes: what somebody else's server would be told to do."""

    @property
    def is_tainted(self) -> bool:
        """Whether the model that asked for this has read outside text in this turn."""
        return self.plan is not None

    @property
    def is_proposal(self) -> bool:
        """Whether this only works out a change and writes nothing."""
        return self.effect is not Effect.READ and self.changes is None
