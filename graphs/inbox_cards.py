"""Requests as people look at them: one with everything about it, many in a line each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm.connector import Connector
from crm.database import TenantSession
from crm.repositories import approvals as rows
from crm.repositories.access import UnknownCallerError, find_staff
from crm.repositories.inbox import note_of
from crm.repositories.provenance import load_origins
from crm.repositories.records import display_name
from crm.schema import OBJECT_INFO
from crm.work import Approval, Vote
from graphs._threads import Threads
from trust.approvals import can_see, find_seen, is_entitled, is_own_edit
from trust.decisions import Hold
from trust.entitlement import Judge, persons_of
from trust.labels import Integrity
from trust.principal import Principal, load_principal
from trust.provenance import label_of_name
from trust.standing import Asked, Way, describe_asked, list_ways

_LOOKED_AT = 60
"""People who are asked about at most, to find those who may decide."""


@dataclass(frozen=True)
class Card:
    """A request with where it stands. `names`: by id, of the people and records on it that the caller may see."""

    approval: Approval
    successor: str | None
    votes: list[Vote]
    asked: Asked
    ways: list[Way]
    has_escalated: bool
    names: Mapping[str, str]
    outside_names: frozenset[str]
    """Ids of changed records whose names somebody outside may have written."""


@dataclass(frozen=True)
class Line:
    """A request in a line. `agreed`: how many persons have."""

    approval: Approval
    agreed: int
    may_decide: bool
    has_escalated: bool
    requester_name: str | None
    is_named_outside: bool
    """Whether somebody outside may have written a name in its title."""


@dataclass(frozen=True)
class Candidates:
    """Who may be asked to decide, as (id, name). `is_cut`: whether others were not looked at."""

    people: list[tuple[str, str]]
    is_cut: bool


@dataclass(frozen=True)
class Cards(Threads):
    """Looks with the eyes of one person."""

    async def open(self, principal: Principal, approval_id: str) -> Card:
        """Raises: ApprovalNotFoundError, ErasedError."""
        now = self.runner.clock()
        async with self._session(principal) as session:
            crm = self.runner.desk.crm_for(session, principal, now)
            approval = await find_seen(session, approval_id, principal, crm, at=now)
            votes = await rows.list_votes(session, approval_id)
            successors = await rows.find_successors(session, [approval_id])
            ways = list_ways(approval, votes, principal, at=now)
            is_own = "approve" in ways and await is_own_edit(session, approval, principal)
            return Card(
                approval=approval,
                successor=successors.get(approval_id),
                votes=votes,
                asked=describe_asked(Hold.from_json(approval.rule)),
                ways=[one for one in ways if one != "approve" or not is_own],
                has_escalated=Judge(principal, now).has_escalated(note_of(approval).rule),
                names=await crm.names_of(sorted(_ids_on(approval, votes))),
                outside_names=await _named_outside(session, [approval]),
            )

    async def name(self, principal: Principal, approvals: Sequence[Approval]) -> dict[str, str]:
        """By id, of the people and records on the cards that the caller may see."""
        now = self.runner.clock()
        async with self._session(principal) as session:
            ids = {one for approval in approvals for one in _ids_on(approval, ())}
            return await self.runner.desk.crm_for(session, principal, now).names_of(sorted(ids))

    async def summarise(self, principal: Principal, approvals: Sequence[Approval]) -> list[Line]:
        """Of requests that the caller sees."""
        now = self.runner.clock()
        judge = Judge(principal, now)
        async with self._session(principal) as session:
            crm = self.runner.desk.crm_for(session, principal, now)
            notes = [note_of(one) for one in approvals]
            decidable = await judge.find_decidable(session, notes)
            votes = await rows.list_votes_on(session, [one.approval_id for one in approvals])
            names = await crm.names_of(sorted({one.requester for one in approvals}))
            outside = await _named_outside(session, approvals)
        return [
            Line(
                approval=one,
                agreed=len(persons_of([vote for vote in votes.get(one.approval_id, ()) if vote.decision == "approve"])),
                may_decide=one.approval_id in decidable,
                has_escalated=judge.has_escalated(note.rule),
                requester_name=names.get(one.requester),
                is_named_outside=any(change["id"] in outside for change in one.card["changes"]),
            )
            for one, note in zip(approvals, notes, strict=True)
        ]

    async def find_candidates(self, principal: Principal, approval_id: str, *, name: str, limit: int) -> Candidates:
        """Whom a request that the caller sees can be put before; `name` narrows them. Raises: ApprovalNotFoundError."""
        now = self.runner.clock()
        async with self._session(principal) as session:
            approval = await find_seen(
                session, approval_id, principal, self.runner.desk.crm_for(session, principal, now), at=now
            )
            staff = await find_staff(session, Hold.from_json(approval.rule).permissions)
            wanted = name.casefold()
            named = [(one.Id, display_name(one)) for one in staff if wanted in display_name(one).casefold()]
            looked_at = named[:_LOOKED_AT]
            able = [one for one in looked_at if await self._is_able(session, approval, one[0])]
        return Candidates(able[:limit], len(named) > _LOOKED_AT or len(able) > limit)

    async def _is_able(self, session: TenantSession, approval: Approval, user_id: str) -> bool:
        now = self.runner.clock()
        try:
            person = await load_principal(session, user_id, frozenset(), at=now)
        except UnknownCallerError:
            return False
        crm: Connector = self.runner.desk.crm_for(session, person, now)
        return is_entitled(approval, person, at=now) and await can_see(approval, person, crm, at=now)


async def _named_outside(session: TenantSession, approvals: Sequence[Approval]) -> frozenset[str]:
    """Of the records to be changed, those whose names an outsider may have written; new ones by their fields."""
    changes = [change for one in approvals for change in one.card["changes"]]
    origins = await load_origins(session, {change["id"] for change in changes if change["operation"] != "create"})
    found = {one for one, origin in origins.items() if label_of_name(origin).integrity is Integrity.EXTERNAL}
    for change in changes:
        info = OBJECT_INFO.get(change["object"])
        names = info.name_fields if info is not None and change["operation"] == "create" else ()
        sources = [one.get("source") or {} for one in change["fields"] if one["field"] in names]
        if any(source.get("integrity") == Integrity.EXTERNAL.word for source in sources):
            found.add(change["id"])
    return frozenset(found)


def _ids_on(approval: Approval, votes: Iterable[Vote]) -> set[str]:
    """Of people and records that a card speaks of by id."""
    found = {approval.requester, approval.assignee, approval.decided_by}
    for vote in votes:
        found |= {vote.voter, vote.in_stead_of}
    rule = approval.rule
    for requirement in rule.get("requirements", ()):
        later = (requirement.get("escalation") or {}).get("to", ())
        found |= {one.get("name") for one in (*requirement["any_of"], *later) if one["kind"] == "person"}
    for change in approval.card["changes"]:
        found |= set(_ids_in(change))
    return {one for one in found if isinstance(one, str) and one}


def _ids_in(change: Mapping[str, Any]) -> Iterable[Any]:
    info = OBJECT_INFO.get(change["object"])
    for field in change["fields"]:
        if info is not None and info.fields[field["field"]].targets:
            yield from (field["old"], field["new"])
        for source in (field.get("source"), field.get("old_source")):
            yield from (source or {}).get("writers", ())
