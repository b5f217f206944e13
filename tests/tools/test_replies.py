"""Replies that cite what customers may read, drafts that are edited and dismissed, and whether policy was kept."""

from datetime import UTC, datetime
from typing import Any

import pytest

from crm.database import DatabaseConfig
from crm.seed.people import ANN_POE
from tests.oracle import raw_rows
from tests.tools.desk import HERE, Desk
from tools._declare import Proposal
from tools._house_rules import answer_rules, compare_claims
from tools._run import ToolError

ACME_CASE = "500CS0000000006YAA"
"""New and critical: nobody has answered it for a day."""


class TestReply:
    async def test_it_cites_articles_for_customers_and_no_others(
        self, desk: Desk, seeded_config: DatabaseConfig
    ) -> None:
        rows = {one["Id"]: one for one in raw_rows(seeded_config, "knowledge__kav") if one["tenant"] == HERE}
        found = await desk.call("sam", "suggest_reply", case_id=ACME_CASE)
        assert found["articles"]
        proposal = await desk.call("sam", "draft_reply", case_id=ACME_CASE)
        assert isinstance(proposal, Proposal)
        [change] = proposal.changes
        fields = {one.field: one.new for one in change.fields}
        assert (fields["ParentId"], fields["Status"]) == (ACME_CASE, "Draft")
        assert "Gas detector" not in fields["Subject"], "the customer's words are not ours"
        for one in found["articles"]:
            assert rows[one["id"]]["IsVisibleInCsp"]
            assert f"(Article {one['number']}: {one['title']})" in fields["TextBody"]
        used = {record for record, _ in proposal.taken_from[change.record_id, "TextBody"]}
        assert used == {fields["ToIds"], *(one["id"] for one in found["articles"])}
        own = await desk.fields_of("sam", "draft_reply", case_id=ACME_CASE, body="We call you.")
        assert own["TextBody"] == "We call you."

    async def test_who_may_not_write_mail_drafts_none(self, desk: Desk) -> None:
        for who in ("alan", ANN_POE.contact_id):
            assert isinstance(await desk.call(who, "draft_reply", case_id=ACME_CASE), ToolError)

    async def test_only_drafts_are_edited_or_dismissed(self, desk: Desk) -> None:
        mails = await desk.call("sam", "query_records", object="EmailMessage", limit=50)
        sent = next(one["Id"] for one in mails["records"] if one["Status"] == "Sent")
        for name, more in (("edit_reply", {"body": "x"}), ("dismiss_reply", {"reason": "not good"})):
            error = await desk.call("sam", name, draft_id=sent, **more)
            assert error == ToolError("failed", "only a draft of your own organisation can be changed or dismissed")


class TestPolicy:
    async def test_a_late_first_answer_breaks_the_passage_that_says_so(self, desk: Desk) -> None:
        found = await desk.call("stella", "check_case_policy", case_id=ACME_CASE)
        assert found["is_kept"] is False
        [broken] = [one for one in found["findings"] if one["verdict"] == "broken"]
        assert broken["rule"]["Title"] == "Escalation policy for support cases"
        assert broken["rule"]["excerpt"].startswith("Critical: first answer within 30 minutes")
        assert broken["about"] == "the first answer is due within 30 minutes and never came"

    async def test_it_is_for_staff_only(self, desk: Desk) -> None:
        error = await desk.call(ANN_POE.contact_id, "check_case_policy", case_id=ACME_CASE)
        assert isinstance(error, ToolError)


POLICY = (
    "Escalate at once if people may be hurt. High priority: first answer within 2 hours, an update every working day. "
    "Critical: first answer within 30 minutes. Unused standard instruments may be returned within 30 days of delivery."
)


def test_rules_about_first_answers_are_read_with_their_priority() -> None:
    found = {one.priority: str(one.limit) for one in answer_rules(POLICY)}
    assert found == {"High": "2 hours", "Critical": "30 minutes"}
    [anyone] = answer_rules("We promise a first response within one working day.")
    friday = datetime(2026, 10, 30, 16, tzinfo=UTC)
    assert (anyone.priority, anyone.due(friday)) == (None, datetime(2026, 11, 2, 16, tzinfo=UTC))


@pytest.mark.parametrize(
    ("said", "verdicts"),
    [
        ("Standard instruments can be returned within 60 days if unused.", [False]),
        ("Standard instruments can be returned within 30 days if unused.", [True]),
        ("Standard instruments can be returned within 2 hours if unused.", []),
        ("I come back to you within one working day.", []),
        ("The delivery weighs 30 kg.", []),
    ],
)
def test_promises_are_held_against_the_sentence_on_the_same_thing(said: str, verdicts: list[Any]) -> None:
    assert [one.is_kept for one in compare_claims(said, POLICY)] == verdicts
