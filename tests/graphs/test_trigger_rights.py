"""Who may make rules about events, and keep them: nobody by a right that the token does not have, or that is gone."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from crm.access import Access, Caller
from crm.ids import TenantId, UserId
from crm.triggers import Trigger
from graphs import triggers
from graphs.triggers import TriggerError, Triggers, WantedTrigger, _check, _owner_for
from trust.principal import Principal
from trust.scopes import CRM_READ, POLICY_MANAGE

ME, OTHER = "005000000000001AAA", "005000000000002AAA"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def person(*scopes: str, reads: tuple[str, ...] = ("Status",)) -> Principal:
    caller = Caller(TenantId("t"), UserId(ME))  # tenant-id: nothing is asked of a database
    fields = {"Quote": dict.fromkeys(reads, frozenset("r"))}
    access = Access(caller, "Me", fields=fields, permissions=frozenset({"manage_policy"}))
    return Principal(access, frozenset(scopes))


def test_a_token_that_may_not_manage_the_policy_reaches_no_rule_of_others() -> None:
    wanted = WantedTrigger("quote_to_order", "update", person=OTHER)
    with pytest.raises(TriggerError, match="policy:manage"):
        _check(wanted, person(CRM_READ))
    assert _check(wanted, person(CRM_READ, POLICY_MANAGE)).name == "quote_to_order"
    assert _owner_for(person(CRM_READ)) == ME
    assert _owner_for(person(CRM_READ, POLICY_MANAGE)) is None


async def test_a_rule_ends_with_the_right_to_read_its_field(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Trigger(
        owner=ME, person=ME, assistant="quote_to_order", object_name="Quote", field_name="Status", scopes=[CRM_READ]
    )
    conversations: Any = SimpleNamespace(runner=SimpleNamespace(clock=lambda: NOW))
    standing = [person(CRM_READ), person(CRM_READ, reads=())]

    async def load(*_: Any, **__: Any) -> Principal:
        return standing.pop(0)

    monkeypatch.setattr(triggers, "load_principal", load)
    await Triggers(conversations)._require_standing(cast("Any", None), rule)
    with pytest.raises(TriggerError, match="may no longer read the field"):
        await Triggers(conversations)._require_standing(cast("Any", None), rule)
