"""What a person who looks at requests is told beside the requests themselves."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from api.wire import ApprovalStatus, ApprovalWire, approval_wire
from crm.fields import to_json
from crm.work import Vote
from graphs.editing import Editable
from graphs.inbox_cards import Candidates, Card, Line
from graphs.requests import flag_changes
from trust.invisible import one_line
from trust.standing import Asked, Way

_FIELDS = 6
_TITLE = 300
"""Characters of a title that a line shows."""


class VoteWire(BaseModel):
    """One person's word."""

    voter: str
    decision: str
    in_stead_of: str | None = Field(description="Who was away, if it was given for them.")
    at: str


class EscalationWire(BaseModel):
    """From when on who else may decide."""

    at: str
    to: str


class AskedWire(BaseModel):
    """What is asked of whoever decides."""

    votes: int = Field(description="How many persons have to agree.")
    second_person: bool = Field(description="Whether the requester is not among them.")
    conditions: list[str] = Field(description="What each of them has to have or to be: all of this. Ids as they are.")
    escalations: list[EscalationWire]


class FlagWire(BaseModel):
    """A hint for whoever decides: what a new text does."""

    record: str
    field: str
    marks: list[str]


class CardWire(ApprovalWire):
    """A held action with where it stands for the caller."""

    votes: list[VoteWire]
    asked: AskedWire
    ways: list[Way] = Field(description="What the caller may do about it now; asked again when they do it.")
    has_escalated: bool = Field(description="Whether others may decide by now because nobody did in time.")
    outside_names: list[str] = Field(description="Ids of records on it whose names somebody outside may have written.")
    flags: list[FlagWire] = Field(description="New texts that talk to an assistant or hide something.")
    names: dict[str, str] = Field(description="Of people and records on it, by id, as far as the caller may see them.")


class SummaryWire(BaseModel):
    """A held action in a line."""

    approval_id: str
    status: ApprovalStatus
    title: str = Field(description="The card's title, at most 300 characters of it.")
    tool: str
    object: str | None
    fields: list[str] = Field(description="Fields that would be written, at most six of them.")
    requester: str
    requester_name: str | None
    assignee: str | None
    is_tainted: bool | None
    is_external: bool | None
    is_named_outside: bool = Field(description="Whether somebody outside may have written a name in the title.")
    agreed: int = Field(description="How many persons have agreed.")
    votes: int = Field(description="How many have to.")
    may_decide: bool
    has_escalated: bool
    thread_id: str
    run_id: str
    created_at: str
    expires_at: str


class CandidateWire(BaseModel):
    """Somebody who may decide."""

    kind: Literal["user"] = "user"
    id: str
    name: str


class CandidatesWire(BaseModel):
    """Who may decide a request and see all of it, by name."""

    people: list[CandidateWire]
    is_cut: bool = Field(description="Whether there are more: name somebody.")


class EditableFieldWire(BaseModel):
    """A field that may be given a value."""

    name: str
    value: dict[str, Any] = Field(description="JSON Schema of its value; `x-object`: the id of a record of that kind.")


class EditableWire(BaseModel):
    """What may stand in a request when it is edited. What may really be written is looked at again then."""

    arguments: dict[str, Any] = Field(description="JSON Schema of the tool's arguments.")
    fields: dict[str, list[EditableFieldWire]] = Field(
        description="By argument that holds a record's fields with their values: those that the requester may write "
        "and the caller may see."
    )


def editable_wire(found: Editable) -> EditableWire:
    fields = {
        argument: [EditableFieldWire(name=one.name, value=dict(one.schema)) for one in some]
        for argument, some in found.fields.items()
    }
    return EditableWire(arguments=dict(found.parameters), fields=fields)


def card_wire(card: Card, public_url: str) -> CardWire:
    whole = approval_wire(card.approval, replaced_by=card.successor, public_url=public_url)
    return CardWire(
        **whole.model_dump(),
        votes=[_vote_wire(one) for one in card.votes],
        asked=_asked_wire(card.asked),
        ways=card.ways,
        has_escalated=card.has_escalated,
        flags=[FlagWire(**one) for one in flag_changes(card.approval.card["changes"])],
        outside_names=sorted(card.outside_names),
        names=dict(card.names),
    )


def _vote_wire(vote: Vote) -> VoteWire:
    return VoteWire(voter=vote.voter, decision=vote.decision, in_stead_of=vote.in_stead_of, at=to_json(vote.created_at))


def _asked_wire(asked: Asked) -> AskedWire:
    return AskedWire(
        votes=asked.votes,
        second_person=asked.second_person,
        conditions=list(asked.conditions),
        escalations=[EscalationWire(at=to_json(moment), to=words) for moment, words in asked.escalations],
    )


def summary_wire(line: Line) -> SummaryWire:
    approval = line.approval
    return SummaryWire(
        approval_id=approval.approval_id,
        status=approval.status,
        title=one_line(approval.card["title"])[:_TITLE],
        tool=approval.tool,
        object=approval.object_name,
        fields=list(dict.fromkeys(one["field"] for change in approval.card["changes"] for one in change["fields"]))[
            :_FIELDS
        ],
        requester=approval.requester,
        requester_name=line.requester_name,
        assignee=approval.assignee,
        is_tainted=approval.is_tainted,
        is_external=approval.is_external,
        is_named_outside=line.is_named_outside,
        agreed=line.agreed,
        votes=approval.rule["votes"],
        may_decide=line.may_decide,
        has_escalated=line.has_escalated,
        thread_id=approval.thread_id,
        run_id=approval.run_id,
        created_at=to_json(approval.created_at),
        expires_at=to_json(approval.expires_at),
    )


def candidates_wire(found: Candidates) -> CandidatesWire:
    return CandidatesWire(
        people=[CandidateWire(id=user_id, name=name) for user_id, name in found.people], is_cut=found.is_cut
    )
