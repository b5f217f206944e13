"""A letter says what was approved, to whom it was approved for, and nothing else."""

import dataclasses
from datetime import UTC, datetime
from email import message_from_string
from email.policy import SMTP
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools._mail import is_address, to_phrase, without_invisible
from trust.actions import Outgoing, Recipient
from trust.labels import NOTHING
from trust.letters import LetterError, write_letter

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
ANN = Recipient("ann@acme.example", NOTHING, name="Ann Poe")
MESSAGE = Outgoing(
    "email",
    (ANN, Recipient("oscar@acme.example", NOTHING, name="Oscar Lind", role="cc")),
    NOTHING,
    sender="mail@northwind.example",
    sender_name="Northwind",
    reply_to="dana@northwind.example",
    subject="Your offer",
    body="Dear Ann,\n\nhello.",
)


def written(**more: Any) -> Any:
    letter = write_letter(dataclasses.replace(MESSAGE, **more), message_id="<1@northwind.example>", at=AT)
    assert letter.isascii()
    assert max(map(len, letter.split("\r\n"))) < 998
    return message_from_string(letter, policy=SMTP)


def test_a_letter_has_the_headers_that_code_makes() -> None:
    letter = written()
    assert sorted(name.lower() for name in letter) == [
        "cc",
        "content-transfer-encoding",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "reply-to",
        "subject",
        "to",
    ]
    assert str(letter["to"]) == "Ann Poe <ann@acme.example>"
    assert letter["date"].datetime == AT
    assert written(reply_to=None)["reply-to"] is None


@pytest.mark.parametrize(
    "more",
    [
        {"subject": "Offer\r\nBcc: thief@evil.example"},
        {"subject": "Offer\nBcc: thief@evil.example"},
        {"sender_name": "Northwind\r\nBcc: thief@evil.example"},
        {"reply_to": "dana@northwind.example, thief@evil.example"},
        {"reply_to": "dana@northwind.example\r\nBcc: thief@evil.example"},
        {"sender": "mail@northwind.example>\r\nBcc: thief@evil.example"},
        {"recipients": (dataclasses.replace(ANN, address="ann@acme.example, thief@evil.example"),)},
        {"recipients": (dataclasses.replace(ANN, address="ann@acme.example\r\nBcc: thief@evil.example"),)},
        {"recipients": (dataclasses.replace(ANN, name="Ann\r\nBcc: thief@evil.example"),)},
        {"recipients": ()},
        {"body": "half \ud800"},
    ],
    ids=str,
)
def test_what_would_become_another_letter_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(LetterError):
        written(**more)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@settings(max_examples=120, deadline=None)
@given(_TEXT, _TEXT, _TEXT)
def test_any_text_arrives_as_it_was_approved(subject: str, body: str, name: str) -> None:
    """`write_letter` compares what it wrote with what was approved; nothing that a tool prepared may fail there."""
    shown = " ".join(without_invisible(subject).split()) or "x"
    letter = written(
        subject=shown,
        body=without_invisible(body),
        recipients=(dataclasses.replace(ANN, name=to_phrase(name)),),
        sender_name=to_phrase(name),
    )
    assert [one.addr_spec for one in letter["to"].addresses] == ["ann@acme.example"]
    assert letter["bcc"] is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u200bb\u202ec\ufeff", "abc"),
        ("tag\U000e0041s", "tags"),
        ("a\u00a0b\tc\r\nd\re", "a b    c\nd\ne"),
        ("Grüße, 世界 🙂", "Grüße, 世界 🙂"),
    ],
)
def test_what_nobody_sees_is_not_sent(text: str, expected: str) -> None:
    assert without_invisible(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "ann@acme",
        "Ann <ann@acme.example>",
        "ann@acme.example, x@y.example",
        "ann@acme.example\n",
        "ann@acme.example\r\nBcc: x@y.example",
        "änn@acme.example",
        "ann@ácme.example",
        "ann..poe@acme.example",
        '"ann poe"@acme.example',
        "ann@[127.0.0.1]",
        f"{'a' * 65}@acme.example",
        "ann@-acme.example",
    ],
)
def test_what_is_no_plain_address(text: str) -> None:
    assert not is_address(text)
    assert is_address("ann.poe+x@acme-industries.example")
