"""Listing cases, cases that are alike, and comments that are proposed."""

from crm.seed.people import ANN_POE, ANNE_POE
from tests.tools.desk import Desk
from tools._run import ToolError


async def acme(desk: Desk) -> str:
    return str((await desk.call("dana", "lookup_account", name="Acme Industries"))["account"]["id"])


class TestFetch:
    async def test_of_an_account_open_closed_and_any(self, desk: Desk) -> None:
        account = await acme(desk)
        totals = {
            status: (await desk.call("sam", "fetch_cases", account_id=account, status=status, limit=100))["total"]
            for status in ("open", "closed", "any")
        }
        assert totals["open"] == 3
        assert totals["any"] == totals["open"] + totals["closed"]

    async def test_days_bound_the_list_on_both_sides(self, desk: Desk) -> None:
        found = await desk.call("sam", "fetch_cases", status="any", limit=100)
        days = sorted(case["CreatedDate"][:10] for case in found["cases"])
        first, last = days[1], days[-2]
        inside = await desk.call("sam", "fetch_cases", status="any", created_since=first, created_until=last, limit=100)
        assert {case["CreatedDate"][:10] for case in inside["cases"]} <= {d for d in days if first <= d <= last}
        error = await desk.call("sam", "fetch_cases", created_since="2026-99-99")
        assert isinstance(error, ToolError)

    async def test_a_customer_sees_their_own_whatever_is_asked(self, desk: Desk) -> None:
        everything = {"status": "any", "limit": 100}
        own = await desk.call(ANN_POE.contact_id, "fetch_cases", **everything)
        assert own["total"] > 0
        assert {case["ContactId"] for case in own["cases"]} == {ANN_POE.contact_id}
        assert all("OwnerId" not in case and "Priority" not in case for case in own["cases"])
        other = await desk.call(ANN_POE.contact_id, "fetch_cases", contact_id=ANNE_POE.contact_id, **everything)
        assert (other["cases"], other["total"]) == ([], 0)

    async def test_a_rep_of_another_region_learns_of_no_account(self, desk: Desk) -> None:
        found = await desk.call("eli", "fetch_cases", account_id=await acme(desk), status="any")
        assert await acme(desk) not in found["names"]


class TestSimilar:
    async def test_of_a_case_without_itself(self, desk: Desk) -> None:
        [first, *_] = (await desk.call("sam", "fetch_cases", account_id=await acme(desk)))["cases"]
        found = await desk.call("sam", "similar_cases", case_id=first["Id"], limit=20)
        assert first["Id"] not in {case["id"] for case in found["cases"]}
        scores = [case["score"] for case in found["cases"]]
        assert scores == sorted(scores, reverse=True)

    async def test_closed_ones_tell_how_they_were_solved(self, desk: Desk) -> None:
        found = await desk.call("sam", "similar_cases", text="pressure transmitter reads above zero", limit=20)
        for case in found["cases"]:
            assert case["status"] == "Closed" or case["resolution"] is None

    async def test_those_who_may_not_read_descriptions_do_not_search_them(self, desk: Desk) -> None:
        error = await desk.call("iris", "similar_cases", text="zero drift")
        assert error == ToolError("retry", "Description: Case has no such field that you can read")

    async def test_nothing_to_go_by(self, desk: Desk) -> None:
        for arguments in ({}, {"text": "  "}):
            error = await desk.call("sam", "similar_cases", **arguments)
            assert error == ToolError("retry", "similar_cases: give case_id or text")


class TestComment:
    async def test_internal_unless_published(self, desk: Desk) -> None:
        [case, *_] = (await desk.call("sam", "fetch_cases", account_id=await acme(desk)))["cases"]
        fields = await desk.fields_of("sam", "add_case_comment", case_id=case["Id"], body="Looked at it.")
        assert (fields["ParentId"], fields["IsPublished"]) == (case["Id"], False)
        fields = await desk.fields_of("sam", "add_case_comment", case_id=case["Id"], body="Dear Ann", published=True)
        assert fields["IsPublished"] is True

    async def test_those_who_may_not_are_refused(self, desk: Desk) -> None:
        [case, *_] = (await desk.call("sam", "fetch_cases", account_id=await acme(desk)))["cases"]
        for who, kind in (("dana", "failed"), ("alan", "failed"), (ANNE_POE.contact_id, "retry")):
            error = await desk.call(who, "add_case_comment", case_id=case["Id"], body="x")
            assert error.kind == kind, who

    async def test_a_customer_speaks_on_their_own_cases_only(self, desk: Desk) -> None:
        mine = (await desk.call(ANN_POE.contact_id, "fetch_cases"))["cases"][0]["Id"]
        said = {"case_id": mine, "body": "It is back.", "published": False}
        fields = await desk.fields_of(ANN_POE.contact_id, "add_case_comment", **said)
        assert fields == {"ParentId": mine, "CommentBody": "It is back."}
        hidden = await desk.call(ANNE_POE.contact_id, "add_case_comment", **said)
        missing = await desk.call(ANNE_POE.contact_id, "add_case_comment", **{**said, "case_id": "500CS0000009999YAA"})
        assert hidden == missing == ToolError("retry", "ParentId: there is no such record that you can see")


class TestOpening:
    async def test_staff_open_one_for_a_contact_and_customers_their_own(self, desk: Desk) -> None:
        said = {"subject": "Pump is loud", "description": "Since Monday."}
        fields = await desk.fields_of("sam", "open_case", **said, contact_id=ANN_POE.contact_id, priority="High")
        account = await acme(desk)
        assert (fields["ContactId"], fields["AccountId"], fields["Priority"]) == (ANN_POE.contact_id, account, "High")
        fields = await desk.fields_of(ANN_POE.contact_id, "open_case", **said)
        assert fields == {"Subject": "Pump is loud", "Description": "Since Monday."}
        for more in ({"contact_id": ANNE_POE.contact_id}, {"priority": "Critical"}):
            assert isinstance(await desk.call(ANN_POE.contact_id, "open_case", **said, **more), ToolError)
