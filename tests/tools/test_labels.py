"""Labels of results: by the record's source and what was kept, never by what a text says."""

from datetime import UTC, datetime
from typing import Any

from crm.connector import Change, FieldChange
from crm.database import Database
from crm.ids import TenantId
from tests.tools.desk import HERE, THERE, Desk
from tools._catalogue import load_catalogue
from tools._labels import Labelled, label_result
from tools._run import ToolError
from trust.labels import Integrity, Label
from trust.provenance import keep_labels

AT = datetime(2026, 11, 2, tzinfo=UTC)
EVIL = Label(Integrity.EXTERNAL, frozenset({"outside"}), frozenset(), "EmailMessage")


async def ask(desk: Desk, who: str, name: str, **arguments: Any) -> tuple[Any, Labelled]:
    result = await desk.call(who, name, **arguments)
    assert not isinstance(result, ToolError), result
    async with desk.database.session(desk.tenant) as session:
        return result, await label_result(session, load_catalogue()[name], result)


async def query(desk: Desk, object_name: str, **arguments: Any) -> tuple[Any, Labelled]:
    return await ask(desk, "ada", "query_records", object=object_name, **arguments)


async def mark(database: Database, tenant: TenantId, record_id: str, object_name: str, field: str) -> None:
    change = Change("update", object_name, record_id, "x", (FieldChange(field, "a", "b"),))
    async with database.session(tenant, write=True) as session:
        await keep_labels(session, change, 1, {field: EVIL}, at=AT)


class TestBySource:
    async def test_every_text_of_a_lead_is_an_outsiders(self, desk: Desk) -> None:
        result, labels = await query(desk, "Lead", limit=3)
        for place, row in enumerate(result["records"]):
            for field in ("FirstName", "LastName", "Company", "Email", "Title"):
                if row[field]:
                    assert labels.values["records", place, field].integrity is Integrity.EXTERNAL
            assert labels.values["records", place, "Status"].integrity is Integrity.SYSTEM
            assert ("records", place, "Id") not in labels.outside

    async def test_mail_that_came_in_is_an_outsiders_and_mail_that_went_out_is_not(self, desk: Desk) -> None:
        for incoming in (True, False):
            _, labels = await query(
                desk, "EmailMessage", filters=[{"field": "Incoming", "value": incoming}], fields=["Subject", "TextBody"]
            )
            found = {label.integrity for path, label in labels.values.items() if path[-1] in ("Subject", "TextBody")}
            assert found == {Integrity.EXTERNAL if incoming else Integrity.CRM_VERIFIED}

    async def test_what_staff_entered_is_verified_and_numbers_are_the_systems(self, desk: Desk) -> None:
        _, labels = await query(desk, "Opportunity", fields=["Name", "Amount", "CloseDate"], limit=1)
        found = {path[-1]: label.integrity for path, label in labels.values.items()}
        assert found["Name"] is Integrity.CRM_VERIFIED
        assert found["Amount"] is found["CloseDate"] is Integrity.SYSTEM

    async def test_excerpts_and_names_take_the_label_of_their_record(self, desk: Desk) -> None:
        result, labels = await ask(desk, "ada", "find_record", text="Poe", objects=["Contact", "Lead"], limit=20)
        for place, match in enumerate(result["matches"]):
            expected = Integrity.EXTERNAL if match["object"] == "Lead" else Integrity.CRM_VERIFIED
            assert labels.values["matches", place, "name"].integrity is expected

    async def test_names_beside_a_result_are_labelled_by_the_record_they_name(self, desk: Desk) -> None:
        leads, _ = await query(desk, "Lead", fields=["Company"], limit=1)
        lead = leads["records"][0]["Id"]
        result, labels = await ask(desk, "ada", "get_record", object="Lead", record_id=lead)
        assert labels.values["names", lead].integrity is Integrity.EXTERNAL
        owner = result["fields"]["OwnerId"]
        assert labels.values["names", owner].integrity is Integrity.CRM_VERIFIED

    async def test_readers_are_the_company_that_the_record_is_about(self, desk: Desk) -> None:
        result, labels = await query(desk, "Case", fields=["Subject", "AccountId", "ContactId"], limit=1)
        [row] = result["records"]
        readers = labels.values["records", 0, "Subject"].readers
        assert readers == {f"account:{row['AccountId']}", f"contact:{row['ContactId']}"}
        result, labels = await query(desk, "Product2", fields=["Name"], limit=1)
        assert labels.values["records", 0, "Name"].readers is None

    async def test_groups_by_words_of_outsiders_are_theirs(self, desk: Desk) -> None:
        _, by_company = await ask(desk, "ada", "aggregate_records", object="Lead", group_by=["Company"])
        _, by_status = await ask(desk, "ada", "aggregate_records", object="Lead", group_by=["Status"])
        assert by_company.outside
        assert not by_status.outside


class TestKept:
    async def test_a_value_stays_the_outsiders_in_whatever_field_it_was_put(self, desk: Desk) -> None:
        result, labels = await query(desk, "Account", fields=["Name", "Description"], limit=1)
        account = result["records"][0]["Id"]
        assert not labels.outside
        await mark(desk.database, HERE, account, "Account", "Name")
        _, labels = await query(desk, "Account", fields=["Name"], filters=[{"field": "Id", "value": account}])
        assert labels.values["records", 0, "Name"].integrity is Integrity.EXTERNAL
        assert "EmailMessage" in labels.values["records", 0, "Name"].origin
        _, groups = await ask(desk, "ada", "aggregate_records", object="Account", group_by=["Name"])
        assert groups.outside
        contacts, labels = await query(desk, "Contact", filters=[{"field": "AccountId", "value": account}], limit=1)
        assert contacts["names"][account]
        assert labels.values["names", account].integrity is Integrity.EXTERNAL

    async def test_a_number_too(self, desk: Desk) -> None:
        result, _ = await query(desk, "Opportunity", fields=["Amount"], limit=1)
        deal = result["records"][0]["Id"]
        await mark(desk.database, HERE, deal, "Opportunity", "Amount")
        _, labels = await query(desk, "Opportunity", fields=["Amount"], filters=[{"field": "Id", "value": deal}])
        assert labels.values["records", 0, "Amount"].integrity is Integrity.EXTERNAL

    async def test_another_tenants_notes_do_not_count(self, desk: Desk) -> None:
        result, _ = await query(desk, "Account", fields=["Name"], limit=1)
        account = result["records"][0]["Id"]
        await mark(desk.database, THERE, account, "Account", "Name")
        _, labels = await query(desk, "Account", fields=["Name"], filters=[{"field": "Id", "value": account}])
        assert not labels.outside


class TestOfWhatWasAsked:
    async def test_arguments_said_again_are_as_trustworthy_as_they_are(self, desk: Desk) -> None:
        tool = load_catalogue()["draft_campaign_brief"]
        result = await desk.call("iris", tool.name, goal="Win more", budget=5)
        async with desk.database.session(desk.tenant) as session:
            own = Label(Integrity.USER, frozenset({"005"}), None, "the user")
            for asked in (own, EVIL):
                labels = await label_result(session, tool, result, asked)
                assert labels.values["draft", "goal"] == asked
                assert ("draft", "budget") not in labels.values
                assert (("draft", "goal") in labels.outside) is (asked is EVIL)

    async def test_words_made_of_records_are_as_bad_as_the_worst_of_them(self, desk: Desk) -> None:
        tool = load_catalogue()["draft_email_variants"]
        product = (await desk.call("iris", "query_records", object="Product2", limit=1))["records"][0]["Id"]
        lead = (await desk.call("iris", "query_records", object="Lead", limit=1))["records"][0]["Id"]
        for sources, is_outside in (([product], False), ([product, lead], True), ([product, "a06CS00000000"], False)):
            variant = {"made_of": sources, "angle": "benefit", "subject": "s", "body": "b"}
            async with desk.database.session(desk.tenant) as session:
                labels = await label_result(session, tool, {"variants": [variant], "summary": "1"})
            assert (("variants", 0, "body") in labels.outside) is is_outside
            assert labels.ids >= {one for one in sources if len(one) == 18}
