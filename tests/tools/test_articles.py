"""Articles from resolved cases: what they are made of, what a review finds, and who may publish."""

from typing import Any

from crm.database import DatabaseConfig
from tests.oracle import raw_rows
from tests.tools.desk import HERE, Desk
from tools._declare import Proposal
from tools._run import ToolError


async def article(desk: Desk, who: str, status: str) -> Any:
    query = [{"field": "PublishStatus", "value": status}]
    return (await desk.call(who, "query_records", object="Knowledge__kav", filters=query))["records"][0]


async def test_a_draft_is_made_of_the_issue_and_the_note_of_staff(desk: Desk, seeded_config: DatabaseConfig) -> None:
    rows = {row["Id"]: row for row in raw_rows(seeded_config, "casecomment") if row["tenant"] == HERE}
    closed = (await desk.call("sam", "fetch_cases", status="closed", limit=1))["cases"][0]["Id"]
    proposal = await desk.call("sam", "draft_article", case_id=closed)
    assert isinstance(proposal, Proposal)
    fields = {one.field: one.new for one in proposal.changes[0].fields}
    assert fields["SourceCaseId"] == closed
    assert "PublishStatus" not in fields
    [source] = proposal.taken_from[proposal.changes[0].record_id, "FAQ_Answer__c"]
    assert source[1] == "CommentBody"
    notes = [rows[source[0]]]
    assert [one["CommentBody"] for one in notes] == [fields["FAQ_Answer__c"]]
    assert notes[0]["ParentId"] == closed
    own = await desk.fields_of("sam", "draft_article", case_id=closed, title="Own title", answer="Own answer.")
    assert (own["Title"], own["FAQ_Answer__c"], own["UrlName"]) == ("Own title", "Own answer.", "own-title")
    opened = (await desk.call("sam", "fetch_cases", limit=1))["cases"][0]["Id"]
    error = await desk.call("sam", "draft_article", case_id=opened)
    assert isinstance(error, ToolError)
    assert "not closed" in error.message


async def test_publishing_is_a_right_of_its_own(desk: Desk) -> None:
    draft, online = await article(desk, "stella", "Draft"), await article(desk, "stella", "Online")
    fields = await desk.fields_of("stella", "publish_article", article_id=draft["Id"], audience="public")
    wanted = {"PublishStatus": "Online", "VersionNumber": draft["VersionNumber"] + 1}
    assert fields == wanted | {"IsVisibleInCsp": True, "IsVisibleInPkb": True}
    fields = await desk.fields_of("stella", "publish_article", article_id=draft["Id"], audience="staff")
    assert fields == wanted
    assert (await desk.call("stella", "publish_article", article_id=online["Id"])).kind == "failed"
    assert await desk.fields_of("stella", "archive_article", article_id=online["Id"]) == {"PublishStatus": "Archived"}
    assert (await desk.call("stella", "archive_article", article_id=draft["Id"])).kind == "failed"
    for name, one in (("publish_article", draft), ("archive_article", online)):
        assert isinstance(await desk.call("sam", name, article_id=one["Id"]), ToolError)
    made = {"Title": "Self-published", "PublishStatus": "Online"}
    error = await desk.call("sam", "create_record", object="Knowledge__kav", fields=made)
    assert error == ToolError("retry", "PublishStatus: Knowledge__kav has no such field that you can write")


async def test_a_review_finds_what_should_not_go_out(desk: Desk) -> None:
    online = await article(desk, "stella", "Online")
    found = await desk.call("stella", "review_article", article_id=online["Id"])
    assert found["is_ready"] is not bool(found["findings"])
    drafted = await article(desk, "stella", "Draft")
    clean = await desk.call("stella", "review_article", article_id=drafted["Id"])
    assert clean["findings"] == []
    assert "Nothing speaks against" in clean["summary"]
