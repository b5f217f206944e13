"""The case it exists for: a policy is changed behind the service's back, or two people change it at once."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from crm.database import Database
from crm.ids import TenantId
from crm.policies import PolicyVersion
from crm.repositories import policies as rows
from tests.trust.acting import staff, update, writes
from trust import audit_check, policy_book
from trust.decisions import Deny
from trust.policy import decide, policy_version
from trust.policy_book import (
    UNREADABLE,
    PolicyConflictError,
    PolicyVersionNotFoundError,
    PreapprovalNotFoundError,
    load_current,
    put,
    restore,
)
from trust.tenant_policy import PolicySettingError, PolicySettings, Preapproval, TenantPolicy

ACME, GLOBEX = TenantId("acme"), TenantId("globex")
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
ADA = "005CS00000000009AA"
RULE = '@id("a") @reason("r") forbid (principal, action, resource) when { context.deletes };'
GRANTED = Preapproval(
    "p1", "create_task", "Task", frozenset({"Subject", "OwnerId"}), date(2026, 11, 30), None, ADA, "r"
)
FULL = TenantPolicy(additions=RULE, settings=PolicySettings(record_cap=2), preapprovals=(GRANTED,))


async def add(database: Database, policy: TenantPolicy, *, based_on: int, tenant: TenantId = ACME) -> TenantPolicy:
    async with database.session(tenant, write=True) as session:
        return await put(session, policy, based_on=based_on, by=ADA, note="n", at=AT, kind="policy.changed")


async def current(database: Database, tenant: TenantId = ACME) -> TenantPolicy:
    async with database.session(tenant) as session:
        return await load_current(session)


async def test_versions_are_kept_apart_by_tenant_and_come_back(database: Database) -> None:
    assert await current(database) == TenantPolicy()
    await add(database, FULL, based_on=0)
    await add(database, TenantPolicy(additions="// nothing"), based_on=0, tenant=GLOBEX)
    found = await current(database)
    assert (found.version, found.additions, found.settings, found.preapprovals) == (1, RULE, FULL.settings, (GRANTED,))
    assert found.digest == FULL.digest
    assert (await current(database, GLOBEX)).additions == "// nothing"
    with pytest.raises(PolicyConflictError):
        await add(database, TenantPolicy(), based_on=0)
    await add(database, TenantPolicy(), based_on=1)
    async with database.session(ACME, write=True) as session:
        restored = await restore(session, 1, based_on=2, by=ADA, note="", at=AT)
        with pytest.raises(PolicyVersionNotFoundError):
            await restore(session, 9, based_on=3, by=ADA, note="", at=AT)
    assert (restored.version, restored.digest) == (3, FULL.digest)
    async with database.session(ACME) as session:
        assert [row.version for row in await policy_book.list_versions(session)] == [3, 2, 1]
        assert (await audit_check.verify(session)).size == 3


async def test_no_version_is_changed_or_removed(database: Database) -> None:
    await add(database, FULL, based_on=0)
    for statement in ("UPDATE policy_version SET note = 'x'", "DELETE FROM policy_version"):
        with pytest.raises(Exception, match=r"refused|permission denied"):
            async with database.session(ACME, write=True) as session:
                await session.execute(text(statement), execution_options={"tenant_checked": "a test of the wall"})
    async with database.session(ACME, write=True) as session:
        assert (
            await rows.add(session, {"version": 1, "additions": "", "settings": {}, "preapprovals": []} | WHO) is None
        )


WHO = {"digest": "0", "author": ADA, "note": "", "created_at": AT}


async def test_what_was_not_put_in_denies_everything(database: Database) -> None:
    """Rules that vanish from the table must not mean that nothing is forbidden any more."""
    row = {"version": 1, "additions": "", "settings": {}, "preapprovals": [], **WHO}
    async with database.session(ACME, write=True) as session:
        assert await rows.add(session, row) is not None
    found = await current(database)
    assert found.additions == UNREADABLE
    principal = staff(objects={"Task": "cre"}, fields={"Task": {"Subject": "re"}})
    broken = replace(principal, policy=found.standing_on(AT.date()))
    assert decide(writes(update("Task", Subject="x")), broken) == Deny("follow_policy", "the check could not be made")
    async with database.session(ACME, write=True) as session:
        with pytest.raises(PolicyVersionNotFoundError):
            await restore(session, 1, based_on=1, by=ADA, note="", at=AT)
        assert (await restore(session, 0, based_on=1, by=ADA, note="", at=AT)).version == 2


@pytest.mark.parametrize(
    "settings", [{"record_cap": "x"}, {"nonsense": 1}, {"recipient_rule": "allow"}, {"record_cap": True}]
)
def test_a_row_that_does_not_hold_settings_is_unreadable(settings: dict[str, object]) -> None:
    with pytest.raises(PolicySettingError):
        PolicySettings.from_json(settings)
    row = PolicyVersion(version=1, additions="", settings=settings, preapprovals=[], digest="0")
    assert policy_book.policy_of(row, (1, "0")).additions == UNREADABLE


def test_preapprovals_run_out_and_are_withdrawn() -> None:
    assert FULL.standing_on(date(2026, 11, 30)).preapprovals == (GRANTED,)
    assert FULL.standing_on(date(2026, 12, 1)).preapprovals == ()
    assert FULL.standing_on(date(2026, 12, 1)).digest == FULL.digest
    assert policy_book.without_preapproval(FULL, "p1").preapprovals == ()
    with pytest.raises(PreapprovalNotFoundError):
        policy_book.without_preapproval(FULL, "p2")


def test_everything_that_decides_is_in_the_version() -> None:
    principals = [
        replace(staff(), policy=policy.standing_on(date.min))
        for policy in (
            TenantPolicy(),
            TenantPolicy(additions=RULE),
            TenantPolicy(settings=PolicySettings(recipient_rule="deny")),
            TenantPolicy(preapprovals=(GRANTED,)),
        )
    ]
    assert len({policy_version(one) for one in principals}) == 4
    assert policy_version(principals[0]) == policy_version(staff())
    assert all(len(policy_version(one)) == 64 for one in principals)
