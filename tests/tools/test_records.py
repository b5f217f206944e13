"""Finding, showing, listing, counting and proposing records of any kind."""

from typing import Any

import pytest

from crm.seed.people import ANN_POE, ANNE_POE, staff_id
from tests.oracle import dump_records, raw_rows
from tests.tools.desk import THERE, Desk
from tools._declare import Proposal
from tools._run import ToolError

ACME = "Acme Industries"


async def acme_id(desk: Desk, who: str = "dana") -> str:
    found = await desk.call(who, "find_record", text=ACME, objects=["Account"])
    return str(found["matches"][0]["id"])


class TestFind:
    async def test_by_name_number_and_id(self, desk: Desk) -> None:
        account = await acme_id(desk)
        cases = (await desk.call("sam", "fetch_cases", account_id=account))["cases"]
        number, case = cases[0]["CaseNumber"], cases[0]["Id"]
        for text in (number, number.lstrip("0"), f"#{number}", case, case[:15], f" {case} "):
            found = await desk.call("sam", "find_record", text=text)
            assert found["matches"][0] | {"details": {}} == {
                "object": "Case",
                "id": case,
                "name": number,
                "score": 1.0,
                "exact": True,
                "details": {},
            }

    async def test_hidden_ones_are_not_found_by_anything(self, desk: Desk) -> None:
        account = await acme_id(desk)
        for text in (ACME, account, account[:15]):
            found = await desk.call("eli", "find_record", text=text, objects=["Account"])
            assert account not in str(found), text
        assert (await desk.call("dana", "find_record", text=account))["total"] == 1

    async def test_an_object_that_does_not_exist_is_named(self, desk: Desk) -> None:
        error = await desk.call("dana", "find_record", text="x", objects=["Secret"])
        assert isinstance(error, ToolError)
        assert error.message.startswith("object: there is no 'Secret'; expected one of Account,") or "Secret" in (
            error.message
        )


class TestGet:
    async def test_fields_related_lists_and_names(self, desk: Desk) -> None:
        account = await acme_id(desk)
        shown = await desk.call("dana", "get_record", object="Account", record_id=account, related=["Case", "Contact"])
        assert (shown["name"], shown["fields"]["Name"]) == (ACME, ACME)
        assert [one["object"] for one in shown["related"]] == ["Case", "Contact"]
        assert all(row["AccountId"] == account for one in shown["related"] for row in one["records"])
        assert shown["names"][staff_id("dana")].startswith("Dana")

    async def test_hidden_absent_and_foreign_are_told_alike(self, desk: Desk) -> None:
        account = await acme_id(desk)
        told = set()
        for record in (account, "001000000000000AAA", "001CS0000099999"):
            error = await desk.call("eli", "get_record", object="Account", record_id=record)
            told.add((error.kind, error.message.replace(record, "ID")))
        assert told == {("not_found", "no Account with id 'ID' that you can see")}

    @pytest.mark.parametrize(("who", "hidden"), [("sam", {"Amount"}), ("dana", set())])
    async def test_hidden_fields_are_left_out(self, desk: Desk, who: str, hidden: set[str]) -> None:
        found = await desk.call(who, "query_records", object="Opportunity", limit=1)
        record = found["records"][0]["Id"]
        shown = await desk.call(who, "get_record", object="Opportunity", record_id=record)
        assert {"Amount"} - set(shown["fields"]) == hidden

    async def test_a_customer_gets_their_own(self, desk: Desk) -> None:
        own = await desk.call(ANN_POE.contact_id, "get_record", object="Contact", record_id=ANN_POE.contact_id)
        assert own["fields"]["LastName"] == "Poe"
        other = await desk.call(ANN_POE.contact_id, "get_record", object="Contact", record_id=ANNE_POE.contact_id)
        assert isinstance(other, ToolError)
        related = await desk.call(
            ANN_POE.contact_id, "get_record", object="Contact", record_id=ANN_POE.contact_id, related=["Case", "Task"]
        )
        assert isinstance(related, ToolError)
        assert related.kind == "failed"

    async def test_a_kind_that_does_not_belong_to_it_is_named(self, desk: Desk) -> None:
        error = await desk.call(
            "dana", "get_record", object="Account", record_id=await acme_id(desk), related=["Product2"]
        )
        assert error.kind == "retry"
        assert "Account has no Product2" in error.message


class TestQuery:
    async def test_filters_sorts_and_pages(self, desk: Desk) -> None:
        question: dict[str, Any] = {
            "object": "Opportunity",
            "fields": ["Name", "Amount"],
            "filters": [{"field": "Amount", "op": "gt", "value": 0}],
            "sort": [{"field": "Amount", "descending": True}],
            "limit": 2,
        }
        first = await desk.call("dana", "query_records", **question)
        second = await desk.call("dana", "query_records", **question, cursor=first["next_cursor"])
        amounts = [row["Amount"] for row in first["records"] + second["records"]]
        assert amounts == sorted(amounts, reverse=True)
        assert len({row["Id"] for row in first["records"] + second["records"]}) == len(amounts)
        stolen = await desk.call("mara", "query_records", **question, cursor=first["next_cursor"])
        assert stolen == ToolError("retry", "the cursor belongs to another query")

    async def test_the_other_tenant_counts_for_nothing(self, desk: Desk, seeded_config: Any) -> None:
        for one in (desk, Desk(desk.database, THERE)):
            for name in ("Account", "Product2", "Case"):
                rows = [row for row in raw_rows(seeded_config, name.lower()) if row["tenant"] == one.tenant]
                found = await one.call("ada", "query_records", object=name)
                assert found["total"] == len(rows) > 0

    @pytest.mark.parametrize("field", ["Amount", "Secret"])
    async def test_hidden_and_unknown_fields_are_refused_alike(self, desk: Desk, field: str) -> None:
        for arguments in (
            {"fields": [field]},
            {"filters": [{"field": field, "op": "gt", "value": 1}]},
            {"sort": [{"field": field}]},
        ):
            error = await desk.call("sam", "query_records", object="Opportunity", **arguments)
            assert error == ToolError("retry", f"{field}: Opportunity has no such field that you can read")


class TestAggregate:
    async def test_counts_are_of_what_is_seen(self, desk: Desk) -> None:
        for who in ("dana", "eli", "mara", "alan"):
            listed = await desk.call(who, "query_records", object="Opportunity", limit=200)
            counted = await desk.call(who, "aggregate_records", object="Opportunity")
            grouped = await desk.call(who, "aggregate_records", object="Opportunity", group_by=["StageName"])
            assert counted["groups"][0]["value"] == counted["rows"] == listed["total"]
            assert sum(group["rows"] for group in grouped["groups"]) == listed["total"]

    async def test_customers_do_not_count(self, desk: Desk) -> None:
        error = await desk.call(ANN_POE.contact_id, "aggregate_records", object="Case")
        assert error == ToolError("denied", "aggregate_records is for staff only")

    async def test_a_hidden_field_is_neither_measured_nor_grouped_by(self, desk: Desk) -> None:
        for arguments in ({"function": "sum", "field": "Amount"}, {"group_by": ["Amount"]}):
            error = await desk.call("sam", "aggregate_records", object="Opportunity", **arguments)
            assert error.kind == "retry"


class TestPropose:
    async def test_creating_and_updating_write_nothing(self, desk: Desk, seeded_config: Any) -> None:
        before = dump_records(seeded_config)
        created = await desk.call("dana", "create_record", object="Account", fields={"Name": "New"})
        updated = await desk.call(
            "dana", "update_record", object="Account", record_id=await acme_id(desk), fields={"Website": "new.example"}
        )
        assert isinstance(created, Proposal)
        assert isinstance(updated, Proposal)
        assert updated.changes[0].name == ACME
        assert [(f.field, f.new) for f in updated.changes[0].fields] == [("Website", "new.example")]
        assert dump_records(seeded_config) == before

    async def test_a_hidden_record_cannot_be_proposed_to_change(self, desk: Desk) -> None:
        account = await acme_id(desk)
        error = await desk.call("eli", "update_record", object="Account", record_id=account, fields={"Website": "x"})
        assert error == ToolError("not_found", f"no Account with id {account!r} that you can see")

    async def test_reading_a_record_is_not_editing_it(self, desk: Desk) -> None:
        account = await acme_id(desk, "sam")
        error = await desk.call("sam", "update_record", object="Account", record_id=account, fields={"Website": "x"})
        assert error.kind == "failed"
        assert ACME not in error.message

    async def test_customers_propose_nothing(self, desk: Desk) -> None:
        for name, arguments in (
            ("create_record", {"object": "CaseComment", "fields": {"CommentBody": "x"}}),
            ("update_record", {"object": "Contact", "record_id": ANN_POE.contact_id, "fields": {"Title": "CEO"}}),
        ):
            error = await desk.call(ANN_POE.contact_id, name, **arguments)
            assert error == ToolError("denied", f"{name} is for staff only")
