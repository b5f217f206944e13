"""What is personal is taken out by field, by belonging, by form; what is the CRM's own vocabulary stays."""

import json
import re
import time
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.fields import Kind
from crm.ids import numbered_id
from crm.personal import keys_of
from trust.labels import Integrity, Label
from trust.masking.masker import Masker, MaskingError, Policy
from trust.masking.texts import Key
from trust.vault import STAFF, Hidden, Vault, find_tokens

KEY = b"a key that only tests hide values with"
LABEL = Label(Integrity.USER, frozenset({"005"}), frozenset(), "user")
ANN = numbered_id("003", 1)
CASE = numbered_id("500", 1)
TASK = numbered_id("00T", 1)
ACME = numbered_id("001", 1)
GLOBEX = numbered_id("001", 2)


class People:
    """A directory of the values given."""

    def __init__(self, *values: tuple[Kind, str]) -> None:
        self.keys: set[Key] = {key for kind, value in values for key in keys_of(kind, value)}
        self.asked: list[set[str]] = []

    async def __call__(self, keys: Collection[str], /) -> set[Key]:
        self.asked.append(set(keys))
        return {key for key in self.keys if key[0] in keys}


CAST = People(
    (Kind.TEXT, "Ann"),
    (Kind.TEXT, "Poe"),
    (Kind.TEXT, "Will May"),
    (Kind.TEXT, "Please Convert"),
    (Kind.TEXT, "Jean-Luc O'Brien"),
    (Kind.TEXT, "José"),
    (Kind.EMAIL, "ann.poe@acme.example"),
    (Kind.EMAIL, "root@localhost"),
    (Kind.PHONE, "555-0101"),
    (Kind.PHONE, "(617) 555-0199"),
    (Kind.TEXT, "visitor-012345"),
)


async def masked(*parts: Any, people: People = CAST, policy: Policy | None = None) -> tuple[Vault, list[Any]]:
    """Texts and JSON data, masked as one prompt."""
    vault = Vault(KEY, "acme", "t1")
    masker = Masker(vault, policy or Policy())
    noted = [masker.note_text(part) if isinstance(part, str) else masker.note_data(part) for part in parts]
    await masker.look_up(people)
    made = [
        masker.mask_text(part, LABEL) if isinstance(part, str) else masker.mask_data(data, LABEL)
        for part, data in zip(parts, noted, strict=True)
    ]
    return vault, made


def shape(text: str) -> str:
    """The text with placeholders cut down to their kinds."""
    return re.sub(r"<<([A-Z]+):\w{10}>>", r"<\1>", text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("Call Ann Poe today", "Call <NAME> <NAME> today", id="full-name"),
        pytest.param("Ms Poe's case, ANN's too", "Ms <NAME>'s case, <NAME>'s too", id="parts-and-genitive"),
        pytest.param("ann poe", "<NAME> <NAME>", id="lower-case"),
        pytest.param("Annual poetry", "Annual poetry", id="whole-words-only"),
        pytest.param("Will May come? it may, it will", "<NAME> <NAME> come? it may, it will", id="ordinary-words"),
        pytest.param("Convert Ann and convert Poe", "Convert <NAME> and convert <NAME>", id="words-of-the-trade"),
        pytest.param("ask Convert", "ask <NAME>", id="a-word-of-the-trade-written-like-a-name"),
        pytest.param("Jean-Luc O'Brien", "<NAME>-<NAME> O'<NAME>", id="compound"),
        pytest.param("Jose\u0301 called", "<NAME> called", id="composed-otherwise"),
        pytest.param("mail ann.poe@acme.example.", "mail <EMAIL>.", id="known-address"),
        pytest.param("x@unknown.example and 'y@z.example'", "<EMAIL> and '<EMAIL>'", id="any-address"),
        pytest.param("root@localhost or nobody@localhost", "<EMAIL> or nobody@localhost", id="no-dot"),
        pytest.param("dial 555-0101 now", "dial <PHONE> now", id="known-phone"),
        pytest.param("dial 555 0101 617 555 0199", "dial <PHONE> <PHONE>", id="neighbouring-phones"),
        pytest.param("+1 617-555-0199 x12", "<PHONE> x12", id="with-country-code"),
        pytest.param("+49 30 901820", "<PHONE>", id="valid-phone-of-nobody"),
        pytest.param("case 00001005 on 2026-11-24, $120,000", "case 00001005 on 2026-11-24, $120,000", id="numbers"),
        pytest.param("card 4111 1111 1111 1111", "card <CARD>", id="card"),
        pytest.param("card 4111 1111 1111 1112", "card 4111 1111 1111 1112", id="no-card"),
        pytest.param("pay DE89 3704 0044 0532 0130 00 THEN", "pay <IBAN> THEN", id="iban"),
        pytest.param("ssn 536-90-4399, 219-09-9999", "ssn <ID>, 219-09-9999", id="number-that-was-never-given-out"),
        pytest.param("chat of visitor-012345, visitor 2", "chat of <ID>, visitor 2", id="code"),
        pytest.param("I typed <<NAME:ABCDEFGHIJ>>", "I typed < <NAME:ABCDEFGHIJ>>", id="typed-placeholder"),
    ],
)
async def test_a_text(text: str, wanted: str) -> None:
    vault, [made] = await masked(text)
    assert shape(made) == wanted
    if "Jose" not in text and "typed" not in text:
        assert vault.reveal(made, STAFF) == text


CONTACT = {
    "ok": True,
    "result": {
        "object": "Contact",
        "id": ANN,
        "name": "Zed Quux",
        "fields": {
            "Id": ANN,
            "FirstName": "Zed",
            "LastName": "Quux",
            "Title": "Head of Will & May",
            "Email": "zed@quux.example",
            "Phone": "+1 (617) 555-0101 x3",
            "CreatedDate": "2026-01-01T10:00:00Z",
            "HasOptedOutOfEmail": False,
        },
        "related": [{"object": "Case", "total": 1, "records": [{"Id": CASE, "Subject": "Quux cannot log in"}]}],
        "names": {ANN: "Zed Quux", ACME: "Quux Foods"},
    },
}


async def test_a_result_is_masked_by_its_fields_and_the_conversation_with_it() -> None:
    vault, [text, made] = await masked("show zed quux, Quux!", CONTACT, people=People())
    result = made["result"]
    fields = result["fields"]
    assert fields["Id"] == ANN
    assert shape(json.dumps([fields[f] for f in ("FirstName", "LastName", "Email", "Phone")])) == (
        '["<NAME>", "<NAME>", "<EMAIL>", "<PHONE>"]'
    )
    assert fields["Title"] == "Head of Will & May"
    assert fields["CreatedDate"] == "2026-01-01T10:00:00Z"
    assert result["name"] == f"{fields['FirstName']} {fields['LastName']}" == result["names"][ANN]
    assert shape(result["names"][ACME]) == "<NAME> Foods"
    assert result["related"][0]["records"][0]["Subject"] == f"{fields['LastName']} cannot log in"
    assert text == f"show {fields['FirstName']} {fields['LastName']}, {fields['LastName']}!"
    assert json.loads(vault.reveal(json.dumps(made), STAFF)) == CONTACT
    assert vault.reveal(text, STAFF) == "show Zed Quux, Quux!"


async def test_the_vocabulary_of_the_crm_stays_even_if_somebody_is_called_like_it() -> None:
    people = People(*((Kind.TEXT, word) for word in ("Case", "New", "Status", "High", "Contact", "Open", "Email")))
    data = {
        "object": "Case",
        "fields": ["Status", "Id"],
        "filters": [{"field": "Status", "op": "eq", "value": "New"}, {"field": "Subject", "op": "eq", "value": "New"}],
        "records": [{"Id": CASE, "Status": "New", "Priority": "High", "Subject": "New Case"}],
    }
    _, [made] = await masked(data, people=people)
    assert made["object"] == "Case"
    assert made["fields"] == ["Status", "Id"]
    assert made["filters"][0] == data["filters"][0]
    assert shape(made["filters"][1]["value"]) == "<NAME>"
    [row] = made["records"]
    assert (row["Status"], row["Priority"], shape(row["Subject"])) == ("New", "High", "<NAME> <NAME>")


async def test_a_spelling_comes_from_what_was_shown_and_never_from_the_index() -> None:
    people = People((Kind.TEXT, "MacDonald"))
    vault, [alone] = await masked("macdonald", people=people)
    assert vault.reveal(alone, STAFF) == "macdonald"
    row = {"object": "Contact", "records": [{"Id": ANN, "LastName": "MacDonald"}]}
    vault, [text, other, made] = await masked("macdonald", "Macdonald", row, people=people)
    assert text == made["records"][0]["LastName"]
    assert vault.reveal(text, STAFF) == "MacDonald"
    assert vault.reveal(other, STAFF) == "Macdonald"


async def test_a_companys_number_is_hidden_only_if_a_person_has_it_too() -> None:
    rows = [{"Id": ACME, "Phone": "+1 617 555 0100"}, {"Id": GLOBEX, "Phone": "555-0101"}]
    _, [made] = await masked({"object": "Account", "records": rows})
    assert [shape(row["Phone"]) for row in made["records"]] == ["+1 617 555 0100", "<PHONE>"]


async def test_a_field_of_an_unknown_kind_of_record_counts_as_personal_if_it_is_anywhere() -> None:
    _, [made] = await masked({"rows": [{"LastName": "Somebody", "Email": "a@b.example"}]}, people=People())
    assert shape(json.dumps(made["rows"][0])) == '{"LastName": "<NAME>", "Email": "<EMAIL>"}'


async def test_texts_that_must_not_leave_become_handles() -> None:
    row = {"Id": CASE, "Subject": "Help Ann", "Status": "New", "Description": "long"}
    task = {"Id": TASK, "Subject": "Call", "Description": "internal note"}
    data = {"lists": [{"object": "Case", "records": [row]}, {"object": "Task", "records": [task]}]}
    vault, [made] = await masked(data, policy=Policy(withhold_outside=True))
    case, todo = (one["records"][0] for one in made["lists"])
    assert (shape(case["Subject"]), case["Status"], shape(case["Description"])) == ("<TEXT>", "New", "<TEXT>")
    assert (todo["Subject"], todo["Description"]) == ("Call", "internal note")
    label = vault.label_of(case["Subject"])
    assert label is not None
    assert (label.integrity, label.origin) == (Integrity.EXTERNAL, f"Case {CASE}.Subject")
    assert vault.reveal(case["Subject"], STAFF) == "Help Ann"
    _, [made] = await masked(data, policy=Policy(withhold_records=True))
    case, todo = (one["records"][0] for one in made["lists"])
    assert shape(case["Subject"]) == "Help <NAME>"
    assert (shape(case["Description"]), shape(todo["Description"])) == ("<TEXT>", "<TEXT>")


async def test_one_question_for_a_whole_prompt() -> None:
    people = People((Kind.TEXT, "Poe"))
    await masked("Poe one", "Poe two", CONTACT, people=people)
    assert len(people.asked) == 1
    assert "one" not in people.asked[0]
    assert "cannot" not in people.asked[0] or "poe" in people.asked[0]


async def test_a_label_joins_its_sources_but_not_its_echoes() -> None:
    vault = Vault(KEY, "acme", "t1")
    masker = Masker(vault, Policy())
    for text in ("Poe", "Weber"):
        masker.note_text(text)
    await masker.look_up(People((Kind.TEXT, "Poe"), (Kind.TEXT, "Weber")))
    token = masker.mask_text("Poe", LABEL)
    outside = Label(Integrity.EXTERNAL, origin="model")
    assert masker.mask_text("Poe", outside, is_echo=True) == token
    assert vault.label_of(token) == LABEL
    assert vault.label_of(masker.mask_text("Weber", outside, is_echo=True)) == outside


async def test_what_cannot_be_masked_in_time_or_is_too_long_is_refused() -> None:
    masker = Masker(Vault(KEY, "acme", "t1"), Policy(), timeout_s=-1)
    with pytest.raises(MaskingError, match="too long, so"):
        masker.note_text("Ann")
    with pytest.raises(MaskingError, match="too long to be masked"):
        Masker(Vault(KEY, "acme", "t1"), Policy()).note_text("a" * 2_000_001)


@pytest.mark.parametrize("piece", ["a", "a.", "1 ", "1", "@", "a@", "(", "a@a.", "A1", "<<", "+1 ", "AB12", "é", "."])
async def test_nothing_takes_more_than_its_length(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    started = time.perf_counter()
    await masked(text)
    assert time.perf_counter() - started < 4


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["Ann", "Poe", "ann.poe@acme.example", "555-0101", "Will", "José", "O'Brien", "<<NAME:"]),
            st.text(max_size=6),
            st.sampled_from([" ", "-", ", ", "\n", "'", "(", "."]),
        ),
        max_size=12,
    )
)
async def test_no_value_is_left_and_all_come_back(pieces: list[str]) -> None:
    text = "".join(pieces)
    vault, [made] = await masked(text)
    bare = re.sub(r"<<[A-Z]+:[A-Z2-7]{10}>>", "\0", made)
    for value in ("Ann", "Poe", "Will", "José", "Brien"):
        assert not re.search(rf"(?<![^\W_]){value}(?![^\W_])", bare), (value, made)
    assert "ann.poe@acme.example" not in bare
    assert all(token in vault.entries for token in find_tokens(made))
    assert {entry.kind for entry in vault.entries.values()} <= set(Hidden)
