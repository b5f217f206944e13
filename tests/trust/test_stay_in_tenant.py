"""The case it exists for: an action of one tenant with a principal of another, ids alike."""

import pytest

from crm.ids import TenantId
from tests.trust.acting import ACME, GLOBEX, customer, reads, staff, update, writes
from trust.decisions import Allow, Deny
from trust.guards.stay_in_tenant import stay_in_tenant


@pytest.mark.parametrize("action", [reads(), writes(), writes(update("Account", Name="x"))])
def test_own_tenant_passes(action: object) -> None:
    assert stay_in_tenant(action, staff()) == Allow()  # type: ignore[arg-type]


@pytest.mark.parametrize("tenant", [GLOBEX, "ACME", "acme ", " acme", "", "acm", "acme\x00"])
@pytest.mark.parametrize("principal", [staff(), customer()], ids=["staff", "customer"])
def test_any_other_is_denied_as_if_there_were_nothing(tenant: str, principal: object) -> None:
    for action in (reads(tenant=TenantId(tenant)), writes(update("Account", Name="x"), tenant=TenantId(tenant))):
        decision = stay_in_tenant(action, principal)  # type: ignore[arg-type]
        assert decision == Deny("stay_in_tenant", "there is no such record")


def test_the_same_ids_in_the_other_tenant_do_not_help() -> None:
    assert isinstance(stay_in_tenant(reads(tenant=ACME), staff(tenant=GLOBEX)), Deny)
    assert stay_in_tenant(reads(tenant=GLOBEX), staff(tenant=GLOBEX)) == Allow()
