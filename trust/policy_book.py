"""A tenant's policy in versions: read for every principal, changed by its administrators, never rewritten."""

from collections import OrderedDict
from dataclasses import replace
from datetime import datetime
from typing import Final

from crm.database import TenantSession
from crm.policies import PolicyVersion
from crm.repositories import policies as rows
from trust import audit
from trust.additions import read_additions
from trust.approval_rules import read_rules
from trust.cedar_rules import PolicyTextError
from trust.tenant_policy import PolicySettings, Preapproval, TenantPolicy

MAX_NOTE = 500
MAX_PREAPPROVALS = 100

UNREADABLE: Final = "the stored version cannot be read"
"""Stands in for rules that are not what was put in. It is no Cedar, so every decision under it is a denial."""

_MOST_KEPT = 256
_kept: OrderedDict[tuple[int, str], TenantPolicy] = OrderedDict()
"""By version and digest of the content, so that whose it is makes no difference."""


class PolicyConflictError(Exception):
    """Somebody else has put in a version meanwhile."""


class PolicyVersionNotFoundError(Exception):
    """The tenant never had that version."""


class PreapprovalNotFoundError(Exception):
    """The current version has no such pre-approval."""


async def load_current(session: TenantSession) -> TenantPolicy:
    """The version that counts now; version 0 if the tenant has added nothing."""
    newest = await rows.find_newest(session)
    if newest is None:
        return TenantPolicy()
    kept = _kept.get(newest)
    if kept is None:
        kept = policy_of(await rows.find(session, newest[0]), newest)
        _kept[newest] = kept
        if len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return kept


def policy_of(row: PolicyVersion | None, identity: tuple[int, str]) -> TenantPolicy:
    """What a row holds; an unreadable policy if that is not what was put in."""
    version, digest = identity
    try:
        policy = TenantPolicy(
            version,
            row.additions if row else UNREADABLE,
            PolicySettings.from_json(row.settings if row else {}),
            tuple(Preapproval.from_json(one) for one in (row.preapprovals if row else ())),
            read_rules(row.rules if row else ()),
        )
    except (ValueError, KeyError, TypeError):
        return TenantPolicy(version, UNREADABLE)
    return policy if policy.digest == digest else TenantPolicy(version, UNREADABLE)


async def list_versions(session: TenantSession, *, limit: int = 50) -> list[PolicyVersion]:
    """Newest first."""
    return await rows.list_versions(session, limit=limit)


async def put(
    session: TenantSession, changed: TenantPolicy, *, based_on: int, by: str, note: str, at: datetime, kind: str
) -> TenantPolicy:
    """Add a version after the one that it was made from, with an entry in the audit. The rules were checked before.

    Raises: PolicyConflictError.
    """
    current = await load_current(session)
    if current.version != based_on:
        raise PolicyConflictError(f"the policy is at version {current.version}, not {based_on}: look at it again")
    new = replace(changed, version=based_on + 1)
    added = await rows.add(
        session,
        {
            "version": new.version,
            "additions": new.additions,
            "settings": new.settings.to_json(),
            "preapprovals": [one.to_json() for one in new.preapprovals],
            "rules": [one.to_json() for one in new.rules],
            "digest": new.digest,
            "author": by,
            "note": note,
            "created_at": at.replace(microsecond=0),
        },
    )
    if added is None:
        raise PolicyConflictError("somebody else has changed the policy a moment ago: look at it again")
    await audit.record(
        session,
        at=at,
        kind=kind,
        actor=by,
        subject=f"policy-{new.version}",
        payload={"version": new.version, "digest": new.digest, "before": current.digest},
    )
    return new


async def restore(
    session: TenantSession, version: int, *, based_on: int, by: str, note: str, at: datetime
) -> TenantPolicy:
    """Put an earlier version in again, as a new one. Version 0 takes everything away.

    Raises: PolicyVersionNotFoundError, PolicyConflictError.
    """
    earlier = TenantPolicy() if version == 0 else await _get(session, version)
    return await put(session, earlier, based_on=based_on, by=by, note=note, at=at, kind="policy.restored")


async def _get(session: TenantSession, version: int) -> TenantPolicy:
    row = await rows.find(session, version)
    if row is None:
        raise PolicyVersionNotFoundError(f"there is no version {version}")
    policy = policy_of(row, (row.version, row.digest))
    try:
        read_additions(policy.additions)
    except PolicyTextError:
        raise PolicyVersionNotFoundError(f"version {version} does not fit the service any more") from None
    return policy


def with_preapproval(policy: TenantPolicy, one: Preapproval) -> TenantPolicy:
    return replace(policy, preapprovals=(*policy.preapprovals, one))


def without_preapproval(policy: TenantPolicy, preapproval_id: str) -> TenantPolicy:
    """Raises: PreapprovalNotFoundError."""
    left = tuple(one for one in policy.preapprovals if one.preapproval_id != preapproval_id)
    if len(left) == len(policy.preapprovals):
        raise PreapprovalNotFoundError(f"there is no pre-approval {preapproval_id!r}")
    return replace(policy, preapprovals=left)
