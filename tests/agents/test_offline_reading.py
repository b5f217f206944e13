"""What the offline model makes of dates, amounts, prompts and wordings, before any tool is called."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents._offline.amounts import read_amount
from agents._offline.changes import match_value
from agents._offline.clauses import split_clauses
from agents._offline.dates import TodayUnknownError, read_date
from agents._offline.intents import recognise_verb
from agents._offline.prompt import read_briefing
from agents._offline.request import Verb
from agents._offline.understand import understand
from agents._offline.words import clean, tokenize
from tests.agents.test_offline_stage import ANN, CUSTOMER_PROMPT, DANA, PROMPT

TUESDAY = date(2026, 11, 24)
BRIEFING = read_briefing(PROMPT)


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("today", "2026-11-24", "2026-11-24"),
        ("tomorrow", "2026-11-25", "2026-11-25"),
        ("yesterday", "2026-11-23", "2026-11-23"),
        ("day after tomorrow", "2026-11-26", "2026-11-26"),
        ("this week", "2026-11-23", "2026-11-29"),
        ("last week", "2026-11-16", "2026-11-22"),
        ("next month", "2026-12-01", "2026-12-31"),
        ("this quarter", "2026-10-01", "2026-12-31"),
        ("last quarter", "2026-07-01", "2026-09-30"),
        ("next year", "2027-01-01", "2027-12-31"),
        ("last 30 days", "2026-10-25", "2026-11-24"),
        ("the past three quarters", "2026-02-24", "2026-11-24"),
        ("next two weeks", "2026-11-24", "2026-12-08"),
        ("in 3 days", "2026-11-27", "2026-11-27"),
        ("2 weeks ago", "2026-11-10", "2026-11-10"),
        ("Friday", "2026-11-27", "2026-11-27"),
        ("next Tuesday", "2026-12-01", "2026-12-01"),
        ("last Monday", "2026-11-23", "2026-11-23"),
        ("in March", "2026-03-01", "2026-03-31"),
        ("March 2025", "2025-03-01", "2025-03-31"),
        ("Q3 2025", "2025-07-01", "2025-09-30"),
        ("2026-05-31", "2026-05-31", "2026-05-31"),
        ("31.05.2026", "2026-05-31", "2026-05-31"),
        ("12 May 2026", "2026-05-12", "2026-05-12"),
        ("the 12th of May", "2026-05-12", "2026-05-12"),
        ("May 12, 2026", "2026-05-12", "2026-05-12"),
        ("end of next month", "2026-12-31", "2026-12-31"),
        ("end of the year", "2026-12-31", "2026-12-31"),
        ("in 2025", "2025-01-01", "2025-12-31"),
    ],
)
def test_dates_follow_the_given_today(said: str, first: str, last: str) -> None:
    span = read_date(tokenize(said), 0, TUESDAY)
    assert span is not None
    assert (span.first.isoformat(), span.last.isoformat()) == (first, last)
    assert span.end == len(tokenize(said))


@pytest.mark.parametrize("said", ["31 February 2026", "2026-13-40", "bananas", "may", "the second", "next"])
def test_what_is_no_date_is_none(said: str) -> None:
    assert read_date(tokenize(said), 0, TUESDAY) is None


def test_a_relative_date_needs_today_and_an_absolute_one_does_not() -> None:
    with pytest.raises(TodayUnknownError):
        read_date(tokenize("next week"), 0, None)
    assert read_date(tokenize("2026-05-31"), 0, None)


@given(st.text(max_size=60), st.integers(0, 5))
def test_reading_a_date_never_fails_on_any_text(text: str, at: int) -> None:
    tokens = tokenize(text)
    if at < len(tokens):
        span = read_date(tokens, at, TUESDAY)
        assert span is None or (span.first <= span.last and span.start < span.end)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("45k", 45_000),
        ("1.2m", 1_200_000),
        ("$50,000", 50_000),
        ("50 thousand", 50_000),
        ("2 million", 2_000_000),
        ("€1.5M", 1_500_000),
        ("60%", 60),
        ("1,234.50", 1234.5),
        ("three", 3),
        ("10 000", 10),
    ],
)
def test_amounts(said: str, value: float) -> None:
    amount = read_amount(tokenize(said), 0)
    assert amount is not None
    assert amount.value == value


def test_the_prompt_tells_today_the_caller_and_the_vocabulary() -> None:
    assert BRIEFING.today == TUESDAY
    assert BRIEFING.caller is not None
    assert (BRIEFING.caller.name, BRIEFING.caller.record_id, BRIEFING.caller.is_customer) == ("Dana Reyes", DANA, False)
    assert BRIEFING.objects["Quote"].fields["Status"].values == ("Draft", "Needs Review", "Approved", "Rejected")
    assert "Amount" in BRIEFING.objects["Opportunity"].fields


def test_a_customer_is_told_from_staff() -> None:
    caller = read_briefing(CUSTOMER_PROMPT).caller
    assert caller is not None
    assert (caller.record_id, caller.is_customer) == (ANN, True)


@pytest.mark.parametrize("prompt", ["", "You are helpful.", "Today is soon.\nThe user is", "Records you can use:\n\n"])
def test_a_prompt_without_the_lines_leaves_them_unknown(prompt: str) -> None:
    briefing = read_briefing(prompt)
    assert (briefing.today, briefing.caller, dict(briefing.objects)) == (None, None, {})


@pytest.mark.parametrize(
    ("said", "clauses"),
    [
        (
            "show Acme's open cases and create a task to call Ann tomorrow",
            ["show Acme's open cases", "create a task to call Ann tomorrow"],
        ),
        (
            "set status to Working and priority to High on case 00001234",
            ["set status to Working and priority to High on case 00001234"],
        ),
        (
            "add a comment to case 1234: called him, and show me the way",
            ["add a comment to case 1234: called him, and show me the way"],
        ),
        ("summarise Globex, then list its open cases.", ["summarise Globex", "list its open cases"]),
        ("please could you show my cases?", ["show my cases"]),
        ("remind me to call Ann and send the quote", ["remind me to call Ann and send the quote"]),
        (
            "remind me to call Ann tomorrow and list my open cases",
            ["remind me to call Ann tomorrow", "list my open cases"],
        ),
        ("Show my open cases, please. Thanks a lot!", ["Show my open cases"]),
        ('log a call with Ann: "set it up, then show it"', ['log a call with Ann: "set it up, then show it"']),
        ("show Globex and its contacts", ["show Globex", "its contacts"]),
    ],
)
def test_an_utterance_is_cut_where_a_new_request_starts(said: str, clauses: list[str]) -> None:
    assert split_clauses(said) == clauses


@pytest.mark.parametrize(
    ("said", "verb"),
    [
        ("open case 00001234", Verb.SHOW),
        ("open a case for Acme", Verb.CREATE),
        ("close case 00001234", Verb.UPDATE),
        ("what is the close date of the renewal", Verb.SHOW),
        ("create a follow-up task for Ann", Verb.TASK),
        ("create a follow-up email to Ann", Verb.DRAFT),
        ("make it urgent", Verb.UPDATE),
        ("make a note on case 00001234", Verb.COMMENT),
        ("how do I reset the router", Verb.KNOWLEDGE),
        ("how many cases are open", Verb.MEASURE),
        ("how is Globex doing", Verb.SUMMARISE),
        ("what's been going on with Globex", Verb.TIMELINE),
        ("what is our return policy?", Verb.KNOWLEDGE),
        ("is there anything similar to this case?", Verb.SIMILAR),
        ("I just spoke with Ann", Verb.CALL),
        ("the Berlin one", None),
    ],
)
def test_the_kind_of_work_is_told_from_the_wording(said: str, verb: Verb | None) -> None:
    assert recognise_verb(clean(said)) is verb


@pytest.mark.parametrize(
    ("said", "value"),
    [("negotiation", "Negotiation"), ("negotation", "Negotiation"), ("disc", "Discovery"), ("foo", None), ("q", None)],
)
def test_allowed_values_are_found_in_spite_of_slips(said: str, value: str | None) -> None:
    assert match_value(said, BRIEFING.objects["Opportunity"].fields["StageName"].values) == value


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    for request in understand(text, BRIEFING):
        assert request.said
