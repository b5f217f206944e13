"""Who may see and do what: owners, roles, sharing, parents, customers, and fields with all that follows from them."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from crm.access import Caller
from crm.connector import Aggregate, Change, FieldChange, Filter, Query, Sort
from crm.errors import CrmError, FieldError, ObjectRightError, RecordNotFoundError
from crm.ids import ContactId, UserId
from crm.records import OBJECTS, Record
from crm.repositories.access import UnknownCallerError, load_access
from crm.repositories.visibility import visible_to
from crm.rights import GroupMember, PermissionSetAssignment, RecordShare, SharingRule, UserRole
from tests.crm.stage import (
    ACME,
    CUSTOMERS,
    GLOBEX,
    OWNERS,
    STAFF,
    Stage,
    all_fields,
    everything,
    id_of,
    make,
    role_id,
    user,
)

BELOW = {
    "boss": set(OWNERS),
    "wanda": {"wanda", "rita", "rob", "gone"},
    "rita": {"rita"},
    "rob": {"rob"},
    "emil": {"emil", "ed"},
    "ed": {"ed"},
    "vera": set(OWNERS),
    "max": set(OWNERS),
}
"""Whose records a person sees where nothing is shared: their own and those of people below them in the tree."""


class TestOwnersAndRoles:
    async def test_people_see_what_they_and_people_below_own(self, stage: Stage) -> None:
        for key, owners in BELOW.items():
            assert await stage.seen(key, "Account") == owners, key

    async def test_seeing_by_role_is_also_editing_but_viewing_all_is_not(self, stage: Stage) -> None:
        for key, owners in BELOW.items():
            expected = set() if key == "vera" else owners
            assert await stage.edited(key, "Account", OWNERS, "Name", "New") == expected, key

    async def test_the_other_tenant_has_the_same_ids_and_none_of_the_rows(self, stage: Stage) -> None:
        other = Stage(stage.database, GLOBEX)
        await stage.add(make("Account", "only here", owner="rita"))
        assert await other.seen("rita", "Account") == {"rita"}
        for here in (stage, other):
            async with here.crm("rita") as crm:
                row = await crm.get("Account", id_of("Account", "rita"), ["Description"])
            assert row["Description"] == f"of {here.tenant}"
        async with other.crm("max") as crm:
            with pytest.raises(RecordNotFoundError):
                await crm.get("Account", id_of("Account", "only here"))

    async def test_a_record_without_an_owner_is_seen_by_those_who_see_all(self, stage: Stage) -> None:
        await stage.add(make("Account", "orphan"))
        seeing = {key for key in BELOW if "orphan" in await stage.seen(key, "Account")}
        assert seeing == {"vera", "max"}

    async def test_a_loop_in_the_role_tree_ends(self, stage: Stage) -> None:
        await stage.add(
            UserRole(role_id="00EL1", name="one", parent_id="00EL2"),
            UserRole(role_id="00EL2", name="two", parent_id="00EL1"),
            make("User", "looper", UserRoleId="00EL1"),
            PermissionSetAssignment(user_id=user("looper"), permission_set="staff"),
            make("User", "looped", UserRoleId="00EL2"),
            make("Account", "looped", owner="looped"),
        )
        assert await stage.seen("looper", "Account") == {"looped"}

    async def test_a_user_without_a_role_is_above_nobody(self, stage: Stage) -> None:
        await stage.add(
            make("User", "loose", UserRoleId=None),
            PermissionSetAssignment(user_id=user("loose"), permission_set="staff"),
            make("User", "looser", UserRoleId=None),
            make("Account", "looser", owner="looser"),
        )
        assert await stage.seen("loose", "Account") == set()

    async def test_records_in_the_bin_are_gone_for_everybody(self, stage: Stage) -> None:
        await stage.add(make("Account", "binned", owner="rita", IsDeleted=True))
        for key in ("rita", "boss", "vera", "max"):
            assert "binned" not in await stage.seen(key, "Account")
            async with stage.crm(key) as crm:
                with pytest.raises(RecordNotFoundError):
                    await crm.get("Account", id_of("Account", "binned"))


class TestCallers:
    @pytest.mark.parametrize("key", ["gone", "unknown", "elsewhere"])
    async def test_who_left_or_never_came_is_no_caller(self, stage: Stage, key: str) -> None:
        await Stage(stage.database, GLOBEX).add(make("User", "elsewhere"))
        with pytest.raises(UnknownCallerError, match=r"^no such caller$"):
            await stage.access(key)
        assert (await stage.access("rita")).display_name == "rita"

    async def test_a_caller_of_another_tenant_is_refused_on_this_ones_session(self, stage: Stage) -> None:
        async with stage.database.session(ACME) as session:
            assert await load_access(session, Caller(ACME, user_id=UserId(user("rita"))))
            with pytest.raises(UnknownCallerError):
                await load_access(session, Caller(GLOBEX, user_id=UserId(user("rita"))))

    async def test_a_user_id_is_no_contact_and_the_other_way_round(self, stage: Stage) -> None:
        async with stage.database.session(ACME) as session:
            with pytest.raises(UnknownCallerError):
                await load_access(session, Caller(ACME, contact_id=ContactId(user("rita"))))
            with pytest.raises(UnknownCallerError):
                await load_access(session, Caller(ACME, user_id=UserId(id_of("Contact", "ann"))))

    @pytest.mark.parametrize("both", [True, False])
    def test_a_caller_is_a_user_or_a_contact(self, both: bool) -> None:
        ids: dict[str, Any] = {"user_id": UserId("005"), "contact_id": ContactId("003")} if both else {}
        with pytest.raises(ValueError, match="either"):
            Caller(ACME, **ids)

    async def test_without_a_permission_set_there_is_nothing(self, stage: Stage) -> None:
        async with stage.crm("nobody", write=True) as crm:
            for name in OBJECTS:
                with pytest.raises(ObjectRightError):
                    await crm.query(Query(name))
                with pytest.raises(ObjectRightError):
                    await crm.aggregate(Aggregate(name))
                with pytest.raises(ObjectRightError):
                    await crm.get(name, id_of(name, "rita"))
                with pytest.raises(ObjectRightError):
                    await crm.propose_create(name, {"Name": "x"})
                with pytest.raises(ObjectRightError):
                    await crm.propose_update(name, id_of(name, "rita"), {"Name": "x"})
            assert await crm.find("rita", list(OBJECTS), 10) == []
            assert await crm.names_of([id_of("Account", "rita"), user("rita")]) == {}

    async def test_rights_are_read_anew_each_time(self, stage: Stage) -> None:
        assert await stage.seen("rita", "Account") == {"rita"}
        await stage.add(GroupMember(group_name="team", user_id=user("rita")))
        await stage.add(
            RecordShare(object_name="Account", record_id=id_of("Account", "ed"), grantee="group:team", can_edit=False)
        )
        assert await stage.seen("rita", "Account") == {"rita", "ed"}


class TestObjectRights:
    @pytest.mark.parametrize("missing", ["c", "r", "e"])
    async def test_each_letter_is_needed_for_what_it_stands_for(self, stage: Stage, missing: str) -> None:
        await stage.add(make("User", "new", UserRoleId=role_id("rep_west")), make("Account", "new", owner="new"))
        await stage.set_rights("new", objects={"Account": "cre".replace(missing, "")}, fields={"Account": {"*": "re"}})
        done = set()
        async with stage.crm("new") as crm:
            for letter, attempt in {
                "c": lambda: crm.propose_create("Account", {"Name": "x"}),
                "r": lambda: crm.get("Account", id_of("Account", "new")),
                "e": lambda: crm.propose_update("Account", id_of("Account", "new"), {"Name": "x"}),
            }.items():
                try:
                    await attempt()
                except CrmError:
                    continue
                done.add(letter)
        # Without reading, there is nothing that could be changed.
        assert done == set("cre") - {missing} - ({"e"} if missing == "r" else set())

    async def test_rights_are_the_union_of_the_sets(self, stage: Stage) -> None:
        await stage.add(make("User", "new"), make("Account", "new", owner="new"))
        await stage.set_rights("new", objects={"Account": "r"}, fields={"Account": {"*": "r"}}, set_name="one")
        assert await stage.edited("new", "Account", ["new"], "Name", "x") == set()
        await stage.set_rights("new", objects={"Account": "e"}, fields={"Account": {"Name": "re"}}, set_name="two")
        assert await stage.edited("new", "Account", ["new"], "Name", "x") == {"new"}
        assert await stage.edited("new", "Account", ["new"], "Website", "x") == set()

    async def test_view_all_reads_and_modify_all_writes(self, stage: Stage) -> None:
        await stage.add(make("User", "new"))
        await stage.set_rights("new", objects={"Account": "rev"}, fields={"Account": {"*": "re"}}, set_name="one")
        assert await stage.seen("new", "Account") == set(OWNERS)
        assert await stage.edited("new", "Account", OWNERS, "Name", "x") == set()
        await stage.set_rights("new", objects={"Account": "m"}, set_name="two")
        assert await stage.edited("new", "Account", OWNERS, "Name", "x") == set(OWNERS)

    async def test_modify_all_without_edit_edits_nothing(self, stage: Stage) -> None:
        await stage.add(make("User", "new"))
        await stage.set_rights("new", objects={"Account": "rm"}, fields={"Account": {"*": "re"}})
        assert await stage.edited("new", "Account", OWNERS, "Name", "x") == set()

    async def test_rights_on_an_object_that_does_not_exist_open_nothing(self, stage: Stage) -> None:
        await stage.add(make("User", "new"))
        await stage.set_rights("new", objects={"Secret": "crevm"}, fields={"Secret": {"*": "re"}})
        async with stage.crm("new") as crm:
            for name in ("Secret", "permission_set", "tenant", "approval", "", "Account; --"):
                with pytest.raises(ObjectRightError):
                    await crm.query(Query(name))
                with pytest.raises(ObjectRightError):
                    await crm.get(name, id_of("Account", "rita"))


class TestSharingDefaults:
    @pytest.mark.parametrize(
        ("default", "seen", "edited"),
        [
            ("Private", {"ed"}, {"ed"}),
            ("Read", set(OWNERS), {"ed"}),
            ("ReadWrite", set(OWNERS), set(OWNERS)),
            ("ControlledByParent", {"ed"}, {"ed"}),
            ("Public", {"ed"}, {"ed"}),
            ("", {"ed"}, {"ed"}),
        ],
        ids=["private", "read", "read and write", "by a parent it has not", "no such default", "empty"],
    )
    async def test_the_default_of_an_object(self, stage: Stage, default: str, seen: set[str], edited: set[str]) -> None:
        await stage.set_sharing(Account=default)
        assert await stage.seen("ed", "Account") == seen
        assert await stage.edited("ed", "Account", OWNERS, "Name", "x") == edited

    async def test_a_default_opens_no_object_that_the_sets_do_not(self, stage: Stage) -> None:
        await stage.set_sharing(Account="ReadWrite")
        async with stage.crm("nobody") as crm:
            with pytest.raises(ObjectRightError):
                await crm.query(Query("Account"))

    async def test_objects_that_are_not_named_are_private_or_follow_their_parent(self, stage: Stage) -> None:
        await stage.add(make("Lead", "of ed", owner="ed"), make("Contact", "at ed", AccountId=id_of("Account", "ed")))
        assert await stage.seen("rita", "Lead") == set()
        assert await stage.seen("rita", "Contact") == {"ann"}
        assert await stage.seen("ed", "Contact") == {"at ed", "otto"}


def rule(source: dict[str, Any], target: dict[str, str], *, can_edit: bool = False, name: str = "r") -> SharingRule:
    return SharingRule(rule_id=name, object_name="Account", source=source, target=target, can_edit=can_edit)


class TestSharingRules:
    async def test_by_the_role_of_the_owner(self, stage: Stage) -> None:
        await stage.add(rule({"owner_role": role_id("rep_west")}, {"role": role_id("rep_east")}))
        assert await stage.seen("ed", "Account") == {"ed", "rita", "rob", "gone"}
        assert await stage.edited("ed", "Account", OWNERS, "Name", "x") == {"ed"}

    async def test_a_rule_for_a_role_also_holds_for_those_above_it(self, stage: Stage) -> None:
        await stage.add(rule({"owner_role": role_id("rep_west")}, {"role": role_id("rep_east")}))
        assert await stage.seen("emil", "Account") == {"emil", "ed", "rita", "rob", "gone"}
        assert await stage.seen("vera", "Account") == set(OWNERS)
        assert await stage.seen("rob", "Account") == {"rob"}

    async def test_by_the_group_of_the_owner(self, stage: Stage) -> None:
        await stage.join("sellers", "rita", "ed")
        await stage.join("buyers", "rob")
        await stage.add(rule({"owner_group": "sellers"}, {"group": "buyers"}, can_edit=True))
        assert await stage.seen("rob", "Account") == {"rob", "rita", "ed"}
        assert await stage.edited("rob", "Account", OWNERS, "Name", "x") == {"rob", "rita", "ed"}
        assert await stage.seen("rita", "Account") == {"rita"}

    async def test_a_group_of_that_name_in_another_tenant_counts_for_nothing(self, stage: Stage) -> None:
        await Stage(stage.database, GLOBEX).join("sellers", "ed")
        await stage.join("buyers", "rob")
        await stage.add(rule({"owner_group": "sellers"}, {"group": "buyers"}))
        assert await stage.seen("rob", "Account") == {"rob"}
        await stage.join("sellers", "ed")
        assert await stage.seen("rob", "Account") == {"rob", "ed"}

    @pytest.mark.parametrize(
        ("field", "value", "equals"),
        [
            pytest.param("Type", "Partner", "Partner", id="text"),
            pytest.param("AnnualRevenue", Decimal("10.50"), 10.5, id="money"),
            pytest.param("NumberOfEmployees", 7, 7, id="number"),
            pytest.param("ParentId", id_of("Account", "boss"), id_of("Account", "boss"), id="reference"),
        ],
    )
    async def test_by_a_field(self, stage: Stage, field: str, value: Any, equals: Any) -> None:
        await stage.add(
            make("Account", "open", owner="ed", **{field: value}),
            rule({"field": field, "equals": equals}, {"group": "g"}),
        )
        assert await stage.seen("rob", "Account") == {"rob"}
        await stage.join("g", "rob")
        assert await stage.seen("rob", "Account") == {"rob", "open"}

    @pytest.mark.parametrize(
        "source",
        [
            pytest.param({"field": "Type", "equals": None}, id="empty value"),
            pytest.param({"field": "Type"}, id="no value"),
            pytest.param({"field": "NoSuchField", "equals": 1}, id="no such field"),
            pytest.param({"field": "AnnualRevenue", "equals": "much"}, id="wrong kind of value"),
            pytest.param({"field": "IsDeleted", "equals": "perhaps"}, id="neither true nor false"),
            pytest.param({"field": "tenant", "equals": "acme"}, id="a column that is no field"),
            pytest.param({"owner_role": None}, id="no role"),
            pytest.param({"owner_group": None}, id="no group"),
            pytest.param({}, id="nothing"),
        ],
    )
    async def test_a_rule_that_says_nothing_opens_nothing(self, stage: Stage, source: dict[str, Any]) -> None:
        await stage.join("g", "rob")
        await stage.add(rule(source, {"group": "g"}), make("Account", "orphan"))
        assert await stage.seen("rob", "Account") == {"rob"}

    @pytest.mark.parametrize("target", [{}, {"role": ""}, {"group": ""}, {"user": "x"}])
    async def test_a_rule_for_nobody_opens_nothing(self, stage: Stage, target: dict[str, str]) -> None:
        await stage.add(rule({"owner_role": role_id("rep_west")}, target))
        assert await stage.seen("ed", "Account") == {"ed"}
        assert await stage.seen("boss", "Account") == set(OWNERS)


class TestShares:
    @pytest.mark.parametrize("can_edit", [False, True], ids=["to read", "to edit"])
    @pytest.mark.parametrize("to", ["user", "group"])
    async def test_one_record_for_one_user_or_group(self, stage: Stage, to: str, can_edit: bool) -> None:
        await stage.join("team", "rob")
        grantee = user("rob") if to == "user" else "group:team"
        await stage.add(
            RecordShare(object_name="Account", record_id=id_of("Account", "ed"), grantee=grantee, can_edit=can_edit)
        )
        assert await stage.seen("rob", "Account") == {"rob", "ed"}
        assert await stage.edited("rob", "Account", OWNERS, "Name", "x") == ({"rob", "ed"} if can_edit else {"rob"})
        assert await stage.seen("rita", "Account") == {"rita"}
        assert await stage.seen("wanda", "Account") == BELOW["wanda"], "a share is not inherited by those above"

    async def test_a_share_of_another_object_or_tenant_counts_for_nothing(self, stage: Stage) -> None:
        share = {"record_id": id_of("Account", "ed"), "grantee": user("rob"), "can_edit": True}
        await stage.add(RecordShare(object_name="Opportunity", **share))
        await Stage(stage.database, GLOBEX).add(RecordShare(object_name="Account", **share))
        assert await stage.seen("rob", "Account") == {"rob"}
        assert await Stage(stage.database, GLOBEX).seen("rob", "Account") == {"rob", "ed"}

    async def test_a_group_named_like_a_user_is_not_that_user(self, stage: Stage) -> None:
        await stage.join(user("ed"), "rob")
        await stage.add(
            RecordShare(object_name="Account", record_id=id_of("Account", "ed"), grantee=user("ed"), can_edit=True),
            RecordShare(object_name="Account", record_id=id_of("Account", "boss"), grantee="group:ed", can_edit=True),
        )
        assert await stage.seen("rob", "Account") == {"rob"}


def account(key: str) -> str:
    return id_of("Account", key)


def opportunity(key: str) -> str:
    return id_of("Opportunity", key)


class TestChildren:
    async def test_a_contact_is_seen_with_its_account_or_by_its_owner(self, stage: Stage) -> None:
        await stage.add(
            make("Contact", "at rita", owner="ed", AccountId=account("rita")),
            make("Contact", "alone", owner="rob"),
            make("Contact", "ownerless", AccountId=account("ed")),
            make("Contact", "stray"),
        )
        assert await stage.seen("rita", "Contact") == {"ann", "at rita"}
        assert await stage.seen("ed", "Contact") == {"at rita", "ownerless", "otto"}
        assert await stage.seen("rob", "Contact") == {"alone"}
        assert await stage.seen("wanda", "Contact") == {"ann", "at rita", "alone"}
        assert "stray" in await stage.seen("vera", "Contact")

    async def test_seeing_the_account_is_not_editing_its_contacts(self, stage: Stage) -> None:
        await stage.add(make("Contact", "at ed", AccountId=account("ed")))
        share = {"object_name": "Account", "record_id": account("ed")}
        await stage.add(RecordShare(grantee=user("rob"), can_edit=False, **share))
        assert "at ed" in await stage.seen("rob", "Contact")
        assert await stage.edited("rob", "Contact", ["at ed"], "Title", "x") == set()
        await stage.add(RecordShare(grantee=user("rita"), can_edit=True, **share))
        assert await stage.edited("rita", "Contact", ["at ed"], "Title", "x") == {"at ed"}

    async def test_the_first_filled_parent_decides(self, stage: Stage) -> None:
        await stage.add(
            make("Contact", "at ed", AccountId=account("ed")),
            make("Task", "both", WhatId=opportunity("rita"), WhoId=id_of("Contact", "at ed")),
            make("Task", "who", WhoId=id_of("Contact", "at ed")),
            make("Task", "neither"),
        )
        assert await stage.seen("rita", "Task") == {"both"}
        assert await stage.seen("ed", "Task") == {"who"}
        assert await stage.seen("boss", "Task") == {"both", "who"}

    async def test_grandchildren_follow_too(self, stage: Stage) -> None:
        await stage.set_sharing(Opportunity="Private")
        await stage.add(
            make("OpportunityLineItem", "line", OpportunityId=opportunity("rita")),
            make("Quote", "quote", OpportunityId=opportunity("rita"), AccountId=account("ed")),
            make("QuoteLineItem", "quoted", QuoteId=id_of("Quote", "quote")),
            make("EmailMessage", "mail", RelatedToId=id_of("Quote", "quote")),
        )
        for name in ("OpportunityLineItem", "Quote", "QuoteLineItem", "EmailMessage"):
            seeing = {key for key in BELOW if await stage.seen(key, name)}
            assert seeing == {"rita", "wanda", "boss", "vera", "max"}, name

    async def test_a_parent_of_an_object_that_may_not_be_read_opens_nothing(self, stage: Stage) -> None:
        await stage.add(make("User", "new"), make("Task", "about ed", WhatId=account("ed")))
        await stage.set_sharing(Account="Read")
        await stage.set_rights("new", objects={"Task": "re"}, fields={"Task": {"*": "re"}}, set_name="one")
        assert await stage.seen("new", "Task") == set()
        await stage.set_rights("new", objects={"Account": "r"}, fields={"Account": {"*": "r"}}, set_name="two")
        assert await stage.seen("new", "Task") == {"about ed"}
        assert await stage.edited("new", "Task", ["about ed"], "Subject", "x") == set()

    async def test_a_parent_in_the_bin_opens_nothing(self, stage: Stage) -> None:
        await stage.add(
            make("Account", "binned", owner="rita", IsDeleted=True),
            make("Contact", "left", AccountId=id_of("Account", "binned")),
        )
        assert await stage.seen("rita", "Contact") == {"ann"}

    async def test_every_object_names_only_parents_that_refer_to_something(self) -> None:
        for name, record_type in OBJECTS.items():
            for parent in record_type.parents:
                assert record_type.__table__.c[parent].info["spec"].targets, (name, parent)


async def add_customer_records(stage: Stage) -> None:
    """Acme's own records of two customers, alike in everything."""
    for key, owner in CUSTOMERS.items():
        me = id_of("Contact", key)
        await stage.add(
            make("Case", f"of {key}", owner="rob", ContactId=me, AccountId=account(owner)),
            make("Case", f"colleague of {key}", owner="rob", AccountId=account(owner)),
            make("CaseComment", f"told {key}", ParentId=id_of("Case", f"of {key}"), IsPublished=True),
            make("CaseComment", f"about {key}", ParentId=id_of("Case", f"of {key}"), IsPublished=False),
            make("CaseComment", f"near {key}", ParentId=id_of("Case", f"colleague of {key}"), IsPublished=True),
            make("Order", f"by {key}", AccountId=account(owner)),
            make("OrderItem", f"by {key}", OrderId=id_of("Order", f"by {key}")),
        )
    shown = {"PublishStatus": "Online", "IsVisibleInCsp": True}
    await stage.add(
        make("Knowledge__kav", "for customers", **shown),
        make("Knowledge__kav", "draft", **{**shown, "PublishStatus": "Draft"}),
        make("Knowledge__kav", "archived", **{**shown, "PublishStatus": "Archived"}),
        make("Knowledge__kav", "for staff", **{**shown, "IsVisibleInCsp": False}),
        make("Product2", "sold", IsActive=True),
        make("Product2", "retired", IsActive=False),
        make("Task", "about ann", WhoId=id_of("Contact", "ann")),
        make("EmailMessage", "to ann", ToIds=id_of("Contact", "ann"), ParentId=id_of("Case", "of ann")),
        make("Contract", "of rita", AccountId=account("rita")),
    )


class TestCustomers:
    async def test_a_customer_sees_what_is_theirs_and_what_is_published(self, stage: Stage) -> None:
        await add_customer_records(stage)
        expected: dict[str, set[str]] = {
            "Contact": {"ann"},
            "Account": {"rita"},
            "Case": {"of ann"},
            "CaseComment": {"told ann"},
            "Order": {"by ann"},
            "OrderItem": {"by ann"},
            "Knowledge__kav": {"for customers"},
            "Product2": {"sold"},
        }
        for name in OBJECTS:
            assert await stage.seen("ann", name) == expected.get(name, set()), name

    async def test_whatever_a_permission_set_says_a_customer_changes_nothing(self, stage: Stage) -> None:
        await add_customer_records(stage)
        access = await stage.access("ann")
        wide = type(access)(
            **{
                **access.__dict__,
                "objects": {name: frozenset("credvm") for name in OBJECTS},
                "fields": {name: dict.fromkeys(OBJECTS[name].__table__.c.keys(), frozenset("re")) for name in OBJECTS},
                "sharing": dict.fromkeys(OBJECTS, "ReadWrite"),
            }
        )
        async with stage.crm("ann", write=True) as crm:
            reaching = type(crm)(crm.session, wide, crm.now, crm.cursor_key)
            for name, key in (("Case", "of ann"), ("Contact", "ann"), ("Account", "rita"), ("Order", "by ann")):
                with pytest.raises(ObjectRightError):
                    await reaching.propose_update(name, id_of(name, key), {"Description": "x"})
            assert str(visible_to(wide, OBJECTS["Opportunity"])) == "false"
            assert (await reaching.query(Query("Case"))).total == 1

    async def test_a_customer_without_a_company_sees_no_company_and_no_orders(self, stage: Stage) -> None:
        await add_customer_records(stage)
        async with stage.database.session(ACME, write=True) as session:
            contact = await session.get_one(OBJECTS["Contact"], (ACME, id_of("Contact", "ann")))
            contact.AccountId = None  # type: ignore[attr-defined]
        for name in ("Account", "Order", "OrderItem"):
            assert await stage.seen("ann", name) == set()
            assert await stage.seen("otto", name) != set()

    async def test_a_customer_in_the_bin_is_no_caller(self, stage: Stage) -> None:
        async with stage.database.session(ACME, write=True) as session:
            contact = await session.get_one(OBJECTS["Contact"], (ACME, id_of("Contact", "ann")))
            contact.IsDeleted = True
        with pytest.raises(UnknownCallerError):
            await stage.access("ann")
        assert (await stage.access("otto")).account_id == account("ed")

    async def test_groups_shares_and_rules_do_not_reach_customers(self, stage: Stage) -> None:
        me = id_of("Contact", "ann")
        await stage.add(
            GroupMember(group_name="g", user_id=me),
            RecordShare(object_name="Account", record_id=account("ed"), grantee=me, can_edit=True),
            RecordShare(object_name="Account", record_id=account("boss"), grantee="group:g", can_edit=True),
            rule({"owner_role": role_id("ceo")}, {"group": "g"}),
            make("Account", "owned", OwnerId=None),
        )
        assert await stage.seen("ann", "Account") == {"rita"}


HIDING = {
    "Opportunity.Amount": {
        "Opportunity.Amount",
        "OpportunityLineItem.UnitPrice",
        "OpportunityLineItem.TotalPrice",
        "OpportunityLineItem.Quantity",
        "OpportunityLineItem.Discount",
        "Quote.GrandTotal",
        "QuoteLineItem.UnitPrice",
        "QuoteLineItem.TotalPrice",
        "QuoteLineItem.Quantity",
        "QuoteLineItem.Discount",
    },
    "OpportunityLineItem.UnitPrice": {"OpportunityLineItem.UnitPrice", "OpportunityLineItem.TotalPrice"},
    "QuoteLineItem.UnitPrice": {"QuoteLineItem.UnitPrice", "QuoteLineItem.TotalPrice"},
    "Quote.GrandTotal": {
        "Quote.GrandTotal",
        "QuoteLineItem.UnitPrice",
        "QuoteLineItem.TotalPrice",
        "QuoteLineItem.Quantity",
        "QuoteLineItem.Discount",
    },
    "Order.TotalAmount": {"Order.TotalAmount", "OrderItem.UnitPrice", "OrderItem.Quantity"},
    "Account.AnnualRevenue": {"Account.AnnualRevenue"},
}
"""A field -> all that go with it when it is hidden."""
ALSO_HIDING = {
    "Opportunity.StageName": {"Opportunity.IsClosed"},
    "Case.Status": {"Case.IsClosed", "Case.ClosedDate"},
    "Case.OwnerId": {"CaseHistory__c.OldValue__c", "CaseHistory__c.NewValue__c"},
    "User.Email": {"User.Username"},
}


async def add_pipeline(stage: Stage) -> None:
    """One of each record that has a price, under Rita."""
    price = {"Quantity": Decimal(2), "UnitPrice": Decimal("123.45")}
    await stage.add(
        make("Opportunity", "priced", owner="rita", Amount=Decimal("246.90"), CloseDate=date(2026, 7, 1)),
        make(
            "OpportunityLineItem", "priced", OpportunityId=opportunity("priced"), TotalPrice=Decimal("246.90"), **price
        ),
        make("Quote", "priced", OpportunityId=opportunity("priced"), GrandTotal=Decimal("246.90")),
        make("QuoteLineItem", "priced", QuoteId=id_of("Quote", "priced"), TotalPrice=Decimal("246.90"), **price),
        make("Order", "priced", AccountId=account("rita"), TotalAmount=Decimal("246.90")),
        make("OrderItem", "priced", OrderId=id_of("Order", "priced"), **price),
        make("Account", "priced", owner="rita", AnnualRevenue=Decimal("246.90")),
    )


class TestFields:
    @pytest.mark.parametrize("hidden", HIDING)
    async def test_a_hidden_field_takes_with_it_all_that_tell_of_it(self, stage: Stage, hidden: str) -> None:
        await add_pipeline(stage)
        await stage.add(make("User", "new"))
        object_name, field = hidden.split(".")
        fields = all_fields("re")
        fields[object_name][field] = ""
        await stage.set_rights("new", objects=everything("crem"), fields=fields)
        access = await stage.access("new")
        unseen = {
            f"{name}.{one}"
            for name, record_type in OBJECTS.items()
            for one in _field_names(record_type)
            if not access.can_read(name, one)
        }
        assert unseen == HIDING[hidden]
        for one in unseen:
            await _assert_barred(stage, "new", *one.split("."))

    async def test_the_same_fields_are_open_to_those_who_may(self, stage: Stage) -> None:
        await add_pipeline(stage)
        sums = {field for fields in HIDING.values() for field in fields if not field.endswith(("Quantity", "Discount"))}
        for one in sums:
            name, field = one.split(".")
            async with stage.crm("max") as crm:
                assert (await crm.get(name, id_of(name, "priced"), [field]))[field] in (123.45, 246.9)
                assert (await crm.query(Query(name, filters=[Filter(field, "gt", 100)], sort=[Sort(field)]))).total == 1
                assert (await crm.aggregate(Aggregate(name, "max", field))).groups[0].value in (123.45, 246.9)

    @pytest.mark.parametrize("hidden", ALSO_HIDING)
    async def test_what_states_and_names_follow_from_is_hidden_with_them(self, stage: Stage, hidden: str) -> None:
        await stage.add(make("User", "new"))
        name, field = hidden.split(".")
        fields = all_fields("re")
        fields[name][field] = ""
        await stage.set_rights("new", objects=everything("crem"), fields=fields)
        access = await stage.access("new")
        assert not [one for one in ALSO_HIDING[hidden] if access.can_read(*one.split("."))]

    async def test_hidden_by_one_set_and_shown_by_another_is_shown(self, stage: Stage) -> None:
        await stage.add(make("User", "new"))
        closed = {"Account": {"*": "re", "AnnualRevenue": ""}}
        await stage.set_rights("new", objects={"Account": "rv"}, fields=closed, set_name="one")
        assert not (await stage.access("new")).can_read("Account", "AnnualRevenue")
        await stage.set_rights("new", fields={"Account": {"AnnualRevenue": "r"}}, set_name="two")
        access = await stage.access("new")
        assert access.can_read("Account", "AnnualRevenue")
        assert not access.can_edit("Account", "AnnualRevenue")

    async def test_a_named_field_overrides_the_star_of_its_set_both_ways(self, stage: Stage) -> None:
        await stage.add(make("User", "new"))
        letters = {"*": "r", "Website": "re", "Phone": "", "Name": "e"}
        await stage.set_rights("new", objects={"Account": "re"}, fields={"Account": letters})
        access = await stage.access("new")
        told = {name: (access.can_read("Account", name), access.can_edit("Account", name)) for name in letters}
        del told["*"]
        # What may be written but not read would be an oracle: it is neither.
        assert told == {"Website": (True, True), "Phone": (False, False), "Name": (False, False)}
        assert access.can_read("Account", "Id")
        assert not access.can_edit("Account", "Id")

    async def test_a_field_that_is_hidden_and_one_that_does_not_exist_are_refused_in_the_same_words(
        self, stage: Stage
    ) -> None:
        await stage.add(make("User", "new"), make("Account", "new", owner="new"))
        await stage.set_rights("new", objects={"Account": "cre"}, fields={"Account": {"*": "re", "Phone": ""}})

        async def refusal(field: str, way: str) -> str:
            async with stage.crm("new") as crm:
                with pytest.raises(FieldError) as caught:
                    await _use(crm, way, "Account", id_of("Account", "new"), field)
            return str(caught.value).replace(field, "FIELD")

        for way in WAYS:
            assert await refusal("Phone", way) == await refusal("Fax", way), way

    async def test_a_record_whose_name_is_hidden_goes_by_its_id(self, stage: Stage) -> None:
        await stage.add(make("User", "new"), make("Account", "secret", owner="new", Website="secret.example"))
        await stage.set_rights("new", objects={"Account": "re"}, fields={"Account": {"*": "re", "Name": ""}})
        async with stage.crm("new") as crm:
            change = await crm.propose_update("Account", id_of("Account", "secret"), {"Phone": "1"})
            assert change.name == id_of("Account", "secret")
            assert await crm.names_of([id_of("Account", "secret")]) == {}
            assert await crm.find("secret", ["Account"], 5) == []

    async def test_a_name_is_not_searched_by_a_part_that_is_hidden(self, stage: Stage) -> None:
        await stage.add(make("User", "new"), make("Lead", "Poe", owner="new", FirstName="Ann", Company="Zyxware"))
        await stage.set_rights("new", objects={"Lead": "r"}, fields={"Lead": {"*": "r", "Company": ""}}, set_name="one")
        async with stage.crm("new") as crm:
            assert await crm.find("Zyxware", ["Lead"], 5) == []
        await stage.set_rights("new", fields={"Lead": {"Company": "r"}}, set_name="two")
        async with stage.crm("new") as crm:
            assert [match.record_id for match in await crm.find("Zyxware", ["Lead"], 5)] == [id_of("Lead", "Poe")]

    async def test_text_is_not_searched_where_a_part_is_hidden(self, stage: Stage) -> None:
        await stage.add(make("User", "new"), make("Case", "pump", owner="new", Description="it hums at night"))
        await stage.set_rights(
            "new", objects={"Case": "r"}, fields={"Case": {"*": "r", "Description": ""}}, set_name="one"
        )
        async with stage.crm("new") as crm:
            with pytest.raises(FieldError):
                await crm.search("Case", "hums", 5)
        await stage.set_rights("new", fields={"Case": {"Description": "r"}}, set_name="two")
        async with stage.crm("new") as crm:
            assert len(await crm.search("Case", "hums", 5)) == 1

    async def test_a_change_to_a_field_that_was_closed_meanwhile_is_refused(self, stage: Stage) -> None:
        await stage.add(make("User", "new"), make("Account", "new", owner="new", Phone="1"))
        await stage.set_rights("new", objects={"Account": "re"}, fields={"Account": {"*": "re", "Phone": ""}})
        change = Change("update", "Account", id_of("Account", "new"), "new", (FieldChange("Phone", "1", "2"),))
        async with stage.crm("new", write=True) as crm:
            with pytest.raises(FieldError):
                await crm.apply(change)


WAYS = ("get", "query", "filter", "is null", "in", "sort", "group", "sum", "max", "count", "update", "create")


async def _use(crm: Any, way: str, name: str, record_id: str, field: str) -> Any:
    """Touch a field in one of the ways there are."""
    match way:
        case "get":
            return await crm.get(name, record_id, [field])
        case "query":
            return await crm.query(Query(name, ["Id", field]))
        case "filter":
            return await crm.query(Query(name, ["Id"], [Filter(field, "eq", 1)]))
        case "is null":
            return await crm.query(Query(name, ["Id"], [Filter(field, "is_null", False)]))
        case "in":
            return await crm.aggregate(Aggregate(name, filters=[Filter(field, "in", [1])]))
        case "sort":
            return await crm.query(Query(name, ["Id"], sort=[Sort(field)]))
        case "group":
            return await crm.aggregate(Aggregate(name, group_by=[field]))
        case "update":
            return await crm.propose_update(name, record_id, {field: 1})
        case "create":
            required = {f: "x" for f, spec in _specs(OBJECTS[name]).items() if spec.is_required}
            return await crm.propose_create(name, {field: 1, **required})
        case _:
            return await crm.aggregate(Aggregate(name, way, field))  # type: ignore[arg-type]


async def _assert_barred(stage: Stage, key: str, name: str, field: str) -> None:
    record_id = id_of(name, "priced")
    for way in WAYS:
        async with stage.crm(key) as crm:
            with pytest.raises(FieldError) as caught:
                await _use(crm, way, name, record_id, field)
        assert caught.value.field == field, way
    async with stage.crm(key) as crm:
        row = await crm.get(name, record_id)
        [listed] = (await crm.query(Query(name, filters=[Filter("Id", "eq", record_id)]))).records
        assert field not in row
        assert field not in listed
        assert not {123.45, 246.9} & {v for v in (*row.values(), *listed.values()) if isinstance(v, float)}


def _specs(record_type: type[Record]) -> dict[str, Any]:
    return {c.name: c.info["spec"] for c in record_type.__table__.columns if "spec" in c.info}


def _field_names(record_type: type[Record]) -> list[str]:
    return list(_specs(record_type))


async def test_everybody_of_the_cast_is_accounted_for(stage: Stage) -> None:
    assert set(BELOW) | {"gone", "nobody"} == set(STAFF)
