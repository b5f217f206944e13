"""The case it exists for: a right that was there when the change was proposed is gone when it is carried out."""

import pytest

from crm.connector import Change
from tests.trust.acting import DANA, MARA, create, customer, reads, staff, update, writes
from trust.decisions import Allow, Deny
from trust.guards.require_rights import require_rights

PLACES = ("Email", "IsActive", "ManagerId", "ProfileId", "UserRoleId", "UserType", "Username")
SELLER = staff(objects={"Account": "cre", "Case": "r"}, fields={"Account": {"Name": "re", "Phone": "r"}})


@pytest.mark.parametrize("action", [reads(), writes(), writes(update("Account", Name="x")), writes(create("Account"))])
def test_what_the_rights_cover_passes(action: object) -> None:
    assert require_rights(action, SELLER) == Allow()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(update("Case", Subject="x"), "you may not edit records of Case", id="object not editable"),
        pytest.param(create("Case", Subject="x"), "you may not create records of Case", id="object not creatable"),
        pytest.param(update("Lead", Name="x"), "you may not edit records of Lead", id="object unknown to the set"),
        pytest.param(update("Nonsense"), "you may not edit records of Nonsense", id="no such object"),
        pytest.param(update("Account", Phone="1"), "you may not write Account.Phone", id="field only readable"),
        pytest.param(update("Account", Fax="1"), "you may not write Account.Fax", id="no such field"),
        pytest.param(update("Account", Name="x", Phone="1"), "you may not write Account.Phone", id="one of two"),
        pytest.param(Change("delete", "Account", "001", "x", ()), "you may not delete records of Account", id="delete"),
    ],
)
def test_anything_else_is_denied(change: Change, reason: str) -> None:
    assert require_rights(writes(change), SELLER) == Deny("require_rights", reason)


def test_what_one_creates_is_ones_own_and_nobody_elses() -> None:
    assert require_rights(writes(create("Account", Name="x", OwnerId=DANA)), SELLER) == Allow()
    for change in (create("Account", Name="x", OwnerId=MARA), update("Account", OwnerId=DANA)):
        assert require_rights(writes(change), SELLER) == Deny("require_rights", "you may not write Account.OwnerId")


def test_one_bad_change_among_good_ones_denies_all() -> None:
    good, bad = update("Account", Name="x"), update("Case", Subject="x")
    assert isinstance(require_rights(writes(good, bad), SELLER), Deny)
    assert isinstance(require_rights(writes(bad, good), SELLER), Deny)
    assert isinstance(require_rights(writes(good), customer()), Deny)


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        pytest.param(update("User", Phone="1"), True, id="a phone number"),
        pytest.param(Change("confirm", "User", "005", "x", update("User", Email="x").fields), True, id="confirmed"),
        *(pytest.param(update("User", Phone="1", **{field: None}), False, id=field) for field in PLACES),
        pytest.param(create("User", LastName="x"), False, id="a new one"),
        pytest.param(Change("delete", "User", "005", "x", ()), False, id="one less"),
        pytest.param(Change("restore", "User", "005", "x", ()), False, id="one again"),
        pytest.param(update("Contact", Email="x"), True, id="another kind of person"),
    ],
)
def test_who_comes_in_and_who_stands_where_is_not_written_like_a_record(change: Change, passes: bool) -> None:
    fields = dict.fromkeys(("Phone", "LastName", *PLACES), "re")
    admin = staff(objects={"User": "cred", "Contact": "cred"}, fields={"User": fields, "Contact": fields})
    decision = require_rights(writes(change), admin)
    assert isinstance(decision, Allow if passes else Deny)
