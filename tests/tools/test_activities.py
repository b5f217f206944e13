"""What happened around a record, and tasks and calls that are proposed."""

from typing import Any

import pytest

from crm.ids import numbered_id
from crm.seed.people import ANN_POE, staff_id
from tests.tools.desk import Desk
from tools._run import ToolError

RENEWAL = numbered_id("006", 1)


async def timeline(desk: Desk, who: str = "dana", record: str = RENEWAL, **more: Any) -> Any:
    return await desk.call(who, "activities_timeline", record_id=record, **more)


class TestTimeline:
    async def test_newest_first_of_the_last_thirty_days(self, desk: Desk) -> None:
        found = await timeline(desk)
        moments = [entry["at"] for entry in found["entries"]]
        assert moments == sorted(moments, reverse=True)
        assert min(moments) >= "2026-10-03"
        assert {"Task", "Event", "EmailMessage"} <= {entry["object"] for entry in found["entries"]}
        assert "Fabrication Line Renewal" in {entry["subject"] for entry in found["entries"]}

    async def test_kinds_and_span_can_be_chosen(self, desk: Desk) -> None:
        found = await timeline(desk, types=["Event"], since="2026-10-01", until="2026-10-31")
        assert {entry["subject"] for entry in found["entries"]} == {"Acme: first talk about the renewal"}
        assert (await timeline(desk, since="2030-01-01"))["entries"] == []

    async def test_an_id_of_fifteen_is_the_same_record(self, desk: Desk) -> None:
        assert await timeline(desk, record=RENEWAL[:15]) == await timeline(desk)

    @pytest.mark.parametrize("day", ["2026-13-45", "٢٠٢٦-٠١-٠١", "2026-02-30"])
    async def test_a_day_that_is_none_is_said_to_be_none(self, desk: Desk, day: str) -> None:
        for name in ("since", "until"):
            error = await timeline(desk, **{name: day})
            assert isinstance(error, ToolError), error
            assert error.kind == "retry"
            assert name in error.message

    async def test_the_end_of_time_is_no_error(self, desk: Desk) -> None:
        assert not isinstance(await timeline(desk, until="9999-12-30"), ToolError)

    async def test_hidden_and_absent_records_are_told_alike(self, desk: Desk) -> None:
        told = {str(await timeline(desk, "eli", record)) for record in (RENEWAL, numbered_id("006", 9_999), "x" * 15)}
        assert told == {str(ToolError("retry", "record_id: there is no such record that you can see"))}

    async def test_kinds_that_may_not_be_read_are_left_out(self, desk: Desk) -> None:
        kinds = {entry["object"] for entry in (await timeline(desk, "alan"))["entries"]}
        assert kinds <= {"Task", "Event"}
        assert (await timeline(desk, "alan", types=["EmailMessage"])) == {"entries": [], "total": 0}


class TestTasksAndCalls:
    async def test_a_task_is_the_users_own(self, desk: Desk) -> None:
        fields = await desk.fields_of(
            "dana", "create_task", subject="Call Ann", due_date="2026-11-05", related_to_id=RENEWAL,
            who_id=ANN_POE.contact_id, priority="High",
        )  # fmt: skip
        assert fields == {
            "Subject": "Call Ann",
            "ActivityDate": "2026-11-05",
            "WhatId": RENEWAL,
            "WhoId": ANN_POE.contact_id,
            "Priority": "High",
            "TaskSubtype": "Task",
            "OwnerId": staff_id("dana"),
        }

    async def test_a_call_was_made_today_unless_said_otherwise(self, desk: Desk) -> None:
        fields = await desk.fields_of("dana", "log_call", subject="Asked", related_to_id=RENEWAL)
        assert (fields["ActivityDate"], fields["Status"], fields["TaskSubtype"]) == ("2026-11-02", "Completed", "Call")
        fields = await desk.fields_of("dana", "log_call", subject="Asked", called_on="2026-10-30")
        assert fields["ActivityDate"] == "2026-10-30"

    @pytest.mark.parametrize("name", ["create_task", "log_call"])
    async def test_nothing_is_attached_to_a_hidden_record(self, desk: Desk, name: str) -> None:
        told = set()
        for record in (RENEWAL, numbered_id("006", 9_999)):
            error = await desk.call("eli", name, subject="x", related_to_id=record)
            told.add((error.kind, error.message))
        assert told == {("retry", "WhatId: there is no such record that you can see")}

    @pytest.mark.parametrize("name", ["create_task", "log_call"])
    async def test_a_person_is_a_contact_or_lead(self, desk: Desk, name: str) -> None:
        error = await desk.call("dana", name, subject="x", who_id=RENEWAL)
        assert error == ToolError("retry", "WhoId: expected the id of Contact or Lead")
