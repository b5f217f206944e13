"""The inbox: what waits for whom, found fast among thousands, and decided one by one or as a batch."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, get_args

from crm.database import TenantSession
from crm.errors import CursorError
from crm.repositories import approvals as approval_rows
from crm.repositories import inbox as rows
from crm.repositories.inbox import Filter, Noted, Position, Sort, note_of
from crm.work import Approval
from graphs._threads import Threads
from graphs.conversations import Conversations
from trust import inbox
from trust.approvals import (
    ApprovalClosedError,
    ApprovalError,
    DigestMismatchError,
    Verdict,
)
from trust.entitlement import Judge
from trust.inbox import MAX_BATCH, Batch, BatchError, Misfit
from trust.principal import Principal

View = Literal["all", "mine", "team", "decidable", "requested"]
_AT_A_TIME = 500


@dataclass(frozen=True)
class Found:
    """A page of requests, opened. `successors`: by id, the request that took the place of one."""

    approvals: list[Approval]
    successors: Mapping[str, str]
    next_cursor: str | None = None


@dataclass(frozen=True)
class Counts:
    """How many pending requests each view has, and since when the oldest that one may decide waits."""

    by_view: Mapping[View, int]
    oldest: datetime | None


@dataclass(frozen=True)
class ItemResult:
    """What became of one request of a batch; `problem` says why it was not decided."""

    approval_id: str
    outcome: Literal["decided", "vetoed", "not_decided"]
    status: str
    run_id: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Inbox(Threads):
    """Looks at requests with the eyes of one person; decisions go the way that single ones go."""

    conversations: Conversations

    # Finding

    async def list_page(
        self,
        principal: Principal,
        view: View,
        wanted: Filter,
        *,
        sort: Sort,
        cursor: str | None,
        limit: int,
        escalated: bool | None = None,
    ) -> Found:
        """The next requests of a view. Raises: CursorError for one of another question."""
        bound = _bind(wanted, view, principal)
        mark = _fingerprint(principal, view, bound, sort, escalated)
        after = self._read_cursor(cursor, mark)
        now = self.runner.clock()
        async with self._session(principal) as session:
            crm = self.runner.desk.crm_for(session, principal, now)
            judge = Judge(principal, now)
            shown: list[Noted] = []
            while len(shown) <= limit:
                some = await rows.list_page(session, bound, sort=sort, after=after, limit=_AT_A_TIME)
                belonging = await _belonging(session, some, view, judge)
                if escalated is not None:
                    belonging = [one for one in belonging if judge.has_escalated(one.rule) is escalated]
                shown += await inbox.find_seen_among(session, belonging, principal, crm, judge)
                if len(some) < _AT_A_TIME:
                    break
                after = _position(some[-1], sort)
            page = shown[:limit]
            following = self._write_cursor(_position(page[-1], sort), mark) if len(shown) > limit else None
            return await self._open(session, [one.approval_id for one in page], following)

    @staticmethod
    async def _open(session: TenantSession, approval_ids: Sequence[str], following: str | None) -> Found:
        opened = await approval_rows.list_by_ids(session, approval_ids)
        successors = await approval_rows.find_successors(session, approval_ids)
        return Found([one for one in opened if not one.is_erased], successors, following)

    async def count(self, principal: Principal) -> Counts:
        """Over what is pending."""
        wanted = Filter(statuses=["pending"])
        judge = Judge(principal, self.runner.clock())
        async with self._session(principal) as session:
            below = await rows.list_below(session, principal.access)
            groups = await inbox.count_seen(session, wanted, principal)
            if groups is None or any(judge.may_decide(one.rule, one.requester) is None for one in groups):
                return await self._count_one_by_one(session, wanted, principal, judge)
        by_view: dict[View, int] = dict.fromkeys(get_args(View), 0)
        oldest = []
        for one in groups:
            is_own, is_below = one.requester == principal.id, one.requester in below
            is_decidable = bool(judge.may_decide(one.rule, one.requester))
            is_mine = is_decidable and one.is_at_hand
            by_view["all"] += one.count * (is_own or is_below or is_decidable)
            by_view["mine"] += one.count * is_mine
            by_view["team"] += one.count * is_below
            by_view["decidable"] += one.count * is_decidable
            by_view["requested"] += one.count * is_own
            if is_mine:
                oldest.append(one.oldest)
        return Counts(by_view, min(oldest, default=None))

    async def _count_one_by_one(
        self, session: TenantSession, wanted: Filter, principal: Principal, judge: Judge
    ) -> Counts:
        """Where the database alone cannot tell: limits of a delegation ask for values, or nothing was noted yet."""
        crm = self.runner.desk.crm_for(session, principal, judge.at)
        every = await rows.list_page(session, wanted, sort="oldest", after=None, limit=None)
        below = await rows.list_below(session, principal.access)
        seen = await inbox.find_seen_among(session, every, principal, crm, judge)
        may = await judge.find_decidable(session, seen)
        at_hand = [one for one in seen if one.approval_id in may and one.assignee in (None, principal.id)]
        by_view: dict[View, int] = {
            "all": len(seen),
            "mine": len(at_hand),
            "team": sum(one.requester in below for one in seen),
            "decidable": len(may),
            "requested": sum(one.requester == principal.id for one in seen),
        }
        return Counts(by_view, min((one.created_at for one in at_hand), default=None))

    async def find_successor(self, principal: Principal, approval_id: str) -> str | None:
        """The newest request that took the place of one."""
        async with self._session(principal) as session:
            return (await approval_rows.find_successors(session, [approval_id])).get(approval_id)

    # Putting before somebody

    async def reassign(self, principal: Principal, approval_id: str, assignee: str, *, reason: str | None) -> Approval:
        """Raises: the errors of `trust.approvals`, AssigneeError."""
        now = self.runner.clock()
        desk = self.runner.desk
        async with self._session(principal, write=True) as session:
            return await inbox.reassign(
                session,
                approval_id,
                assignee,
                principal,
                desk.crm_for(session, principal, now),
                lambda person: desk.crm_for(session, person, now),
                reason=reason,
                at=now,
            )

    # Batches

    async def preview(self, principal: Principal, approval_ids: Sequence[str]) -> Batch:
        """The requests as one card. Raises: BatchError, which names those that do not belong."""
        return await self._form(principal, approval_ids, is_open=True)

    async def decide_batch(
        self,
        principal: Principal,
        approval_ids: Sequence[str],
        digest: str,
        decision: Literal["approve", "reject"],
        *,
        reason: str | None,
        veto: Mapping[str, str],
    ) -> list[ItemResult]:
        """Decide each by itself, in order; those with a veto are rejected for its reason. Twice is once.

        Raises: BatchError, DigestMismatchError; then nothing was decided.
        """
        batch = await self._form(principal, approval_ids, is_open=False)
        if batch.digest != digest:
            raise DigestMismatchError("the digest is not that of this batch: look at it again before deciding")
        strangers = [Misfit(one, "has a veto and is not in the batch") for one in veto if one not in approval_ids]
        if strangers:
            raise BatchError(strangers)
        results = []
        for one in batch.approvals:
            is_vetoed = one.approval_id in veto
            verdict = (
                Verdict("reject", one.digest, veto[one.approval_id])
                if is_vetoed
                else Verdict(decision, one.digest, reason)
            )
            results.append(await self._decide_one(principal, one, verdict, is_vetoed=is_vetoed))
        return results

    async def _form(self, principal: Principal, approval_ids: Sequence[str], *, is_open: bool) -> Batch:
        if not approval_ids or len(approval_ids) > MAX_BATCH or len(set(approval_ids)) < len(approval_ids):
            raise ApprovalError(f"approval_ids: expected 1 to {MAX_BATCH} different ids")
        now = self.runner.clock()
        async with self._session(principal) as session:
            crm = self.runner.desk.crm_for(session, principal, now)
            opened = await approval_rows.list_by_ids(session, approval_ids)
            kept = [one for one in opened if not one.is_erased]
            notes = [note_of(one) for one in kept]
            seen = await inbox.find_seen_among(session, notes, principal, crm, Judge(principal, now))
            known = {one.approval_id for one in seen}
            hidden = [Misfit(one, "there is no such request that you can see") for one in approval_ids]
            hidden = [one for one in hidden if one.approval_id not in known]
            if hidden:
                raise BatchError(hidden)
            return inbox.form_batch(session, kept, principal, at=now, is_open=is_open)

    async def _decide_one(
        self, principal: Principal, approval: Approval, verdict: Verdict, *, is_vetoed: bool
    ) -> ItemResult:
        outcome: Literal["decided", "vetoed"] = "vetoed" if is_vetoed else "decided"
        try:
            [decided], run = await self.conversations.decide(principal, [(approval.approval_id, verdict)])
        except ApprovalClosedError as closed:
            if await self._has_said(principal, approval.approval_id, verdict):
                return await self._result(principal, approval, outcome, None)
            return await self._result(principal, approval, "not_decided", str(closed))
        except ApprovalError as error:
            return await self._result(principal, approval, "not_decided", str(error))
        return ItemResult(approval.approval_id, outcome, decided.status, None if run is None else run.run_id)

    async def _has_said(self, principal: Principal, approval_id: str, verdict: Verdict) -> bool:
        """Whether this very word was taken before: the answer to it was lost, and it is sent again."""
        async with self._session(principal) as session:
            votes = await approval_rows.list_votes(session, approval_id)
        mine = [one for one in votes if one.voter == principal.id]
        return any((one.decision, one.digest) == (verdict.kind, verdict.digest) for one in mine)

    async def _result(
        self,
        principal: Principal,
        approval: Approval,
        outcome: Literal["decided", "vetoed", "not_decided"],
        problem: str | None,
    ) -> ItemResult:
        async with self._session(principal) as session:
            found = await approval_rows.find(session, approval.approval_id)
        return ItemResult(approval.approval_id, outcome, "gone" if found is None else found.status, problem=problem)

    # Cursors

    def _write_cursor(self, position: Position, mark: str) -> str:
        payload = json.dumps([position[0].isoformat(), position[1], mark], separators=(",", ":"))
        return base64.urlsafe_b64encode(f"{self._sign(payload)}{payload}".encode()).decode()

    def _read_cursor(self, cursor: str | None, mark: str) -> Position | None:
        """Raises: CursorError."""
        if cursor is None:
            return None
        try:
            signed = base64.urlsafe_b64decode(cursor.encode("ascii")).decode("ascii")
            payload = signed[_MAC:]
            if not hmac.compare_digest(signed[:_MAC], self._sign(payload)):
                raise CursorError("the cursor is not one that was handed out")
            at, approval_id, belongs_to = json.loads(payload)
        except ValueError:
            raise CursorError("the cursor is not one that was handed out") from None
        if belongs_to != mark:
            raise CursorError("the cursor belongs to another question")
        return datetime.fromisoformat(at), approval_id

    def _sign(self, payload: str) -> str:
        key = self.runner.desk.cursor_key
        return hmac.new(key, f"inbox:{payload}".encode(), hashlib.sha256).hexdigest()[:_MAC]


_MAC = 32


def _bind(wanted: Filter, view: View, principal: Principal) -> Filter:
    """The filter of a view, as far as the database can tell."""
    if view == "requested":
        return replace(wanted, requester=principal.id)
    if view == "team":
        return replace(wanted, below=principal.access.roles_below)
    if view == "mine":
        return replace(wanted, at_hand_of=principal.id)
    return wanted


async def _belonging(session: TenantSession, notes: Sequence[Noted], view: View, judge: Judge) -> list[Noted]:
    if view not in ("mine", "decidable"):
        return list(notes)
    may = await judge.find_decidable(session, notes)
    return [one for one in notes if one.approval_id in may]


def _position(note: Noted, sort: Sort) -> Position:
    at = note.expires_at if sort == "expiring" else note.created_at
    return at.astimezone(UTC), note.approval_id


def _fingerprint(principal: Principal, view: View, wanted: Filter, sort: Sort, escalated: bool | None) -> str:
    """Of everything that decides which page follows: a cursor of one question says nothing to another."""
    text = repr((principal.tenant, principal.id, view, sort, wanted, escalated))
    return hashlib.sha256(text.encode()).hexdigest()[:24]
