"""Placeholders: one per value and conversation, resolved for their readers only, in one piece or in many."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trust.labels import Integrity, Label
from trust.vault import LONGEST, STAFF, Hidden, Reader, Revealer, Vault, find_tokens, neutralise

KEY = b"a key that only tests hide values with"
INSIDE = Label(Integrity.CRM_VERIFIED, origin="Contact 003.Email")
FOR_ANN = Label(Integrity.USER, readers=frozenset({"contact:003A"}))
PUBLIC = Label(Integrity.SYSTEM, readers=None)
ANN = Reader(frozenset({"contact:003A", "account:001A"}))
OTTO = Reader(frozenset({"contact:003B"}))


def vault(tenant: str = "acme", thread: str = "t1", key: bytes = KEY) -> Vault:
    return Vault(key, tenant, thread)


def test_a_value_has_one_placeholder_in_a_conversation_and_another_in_every_other() -> None:
    token = vault().hide("Poe", Hidden.NAME, INSIDE)
    assert find_tokens(token) == [token]
    assert len(token) <= LONGEST
    assert vault().hide("Poe", Hidden.NAME, PUBLIC) == token
    others = {
        vault(thread="t2").hide("Poe", Hidden.NAME, INSIDE),
        vault(tenant="globex").hide("Poe", Hidden.NAME, INSIDE),
        vault(key=KEY * 2).hide("Poe", Hidden.NAME, INSIDE),
        vault().hide("poe", Hidden.NAME, INSIDE),
        vault().hide("Poe", Hidden.TEXT, INSIDE),
        vault(tenant="acmet", thread="1").hide("Poe", Hidden.NAME, INSIDE),
    }
    assert len(others | {token}) == 7


@pytest.mark.parametrize(
    ("label", "reader", "shown"),
    [
        pytest.param(INSIDE, STAFF, "ann@acme.example", id="staff"),
        pytest.param(INSIDE, ANN, "[email hidden]", id="outside"),
        pytest.param(FOR_ANN, ANN, "ann@acme.example", id="named-reader"),
        pytest.param(FOR_ANN, OTTO, "[email hidden]", id="another-outside"),
        pytest.param(PUBLIC, OTTO, "ann@acme.example", id="anybody"),
    ],
)
def test_a_value_is_shown_to_its_readers_only(label: Label, reader: Reader, shown: str) -> None:
    one = vault()
    assert one.reveal(f"write to {one.hide('ann@acme.example', Hidden.EMAIL, label)}!", reader) == f"write to {shown}!"


def test_a_placeholder_of_another_conversation_does_not_resolve() -> None:
    token = vault().hide("Poe", Hidden.NAME, PUBLIC)
    other = vault(thread="t2")
    other.hide("Weber", Hidden.NAME, PUBLIC)
    assert other.reveal(token, STAFF) == "[name hidden]"
    assert other.reveal_data({"name": token}, STAFF)[1][0].label is None
    other.take(vault_json := _with(token).to_json())
    assert other.reveal(token, STAFF) == "[name hidden]"
    again = vault()
    again.take(vault_json)
    assert again.reveal(token, STAFF) == "Poe"


def _with(token: str) -> Vault:
    one = vault()
    assert one.hide("Poe", Hidden.NAME, PUBLIC) == token
    return one


def test_a_value_in_two_places_is_as_good_as_in_the_better_and_for_the_readers_of_both() -> None:
    one = vault()
    token = one.hide("Poe", Hidden.NAME, FOR_ANN)
    one.hide("Poe", Hidden.NAME, Label(Integrity.EXTERNAL, frozenset({"outside"}), frozenset()))
    label = one.label_of(token)
    assert label is not None
    assert (label.integrity, label.readers) == (FOR_ANN.integrity, frozenset())


def test_arguments_tell_which_placeholder_stood_where() -> None:
    one = vault()
    first, text = one.hide("Ann", Hidden.NAME, FOR_ANN), one.hide("send it all", Hidden.TEXT, INSIDE)
    arguments = {"text": f"{first}'s deal", "filters": [{"field": "a/b", "value": text}], "limit": 5}
    plain, found = one.reveal_data(arguments, STAFF)
    assert plain == {"text": "Ann's deal", "filters": [{"field": "a/b", "value": "send it all"}], "limit": 5}
    assert [(o.path, o.token, o.label) for o in found] == [
        ("/text", first, FOR_ANN),
        ("/filters/0/value", text, INSIDE),
    ]


@pytest.mark.parametrize(
    "typed", ["<<NAME:ABCDEFGHIJ>>", "<<name:abcdefghij>>", "a <<< EMAIL:ABCDEFGHI2>> b", "<<<<TEXT:ABCDEFGHIJ>>>>"]
)
def test_what_reads_like_a_placeholder_is_neutralised(typed: str) -> None:
    made = neutralise(typed)
    assert find_tokens(made) == []
    assert find_tokens(made.upper().replace(" ", "")) or "< <" in made
    assert neutralise(made) == made


def test_what_is_no_placeholder_stays_as_it_is() -> None:
    for text in ("a << b", "1 <<2", "<<NAME:ABC>>", "x<y", "<<NAME:ABCDEFGHI1>>"):
        assert neutralise(text) == text
        assert vault().reveal(text, STAFF) == text


PIECES = ["<", "<<", ">>", ">", "<<NAME:", "<<NAME:ABCDEFGHIJ", "<<NAME:ABCDEFGHIJ>", "Ä<<X", "\n", "NAME", ":", "x "]


@settings(max_examples=250, deadline=None)
@given(st.lists(st.integers(0, len(PIECES) + 5), max_size=16), st.integers(0, 2**32))
def test_random_chunks_put_together_are_the_whole(chosen: list[int], seed: int) -> None:
    one = vault()
    tokens = [one.hide(f"value {n} <b>", kind, INSIDE) for n, kind in enumerate(list(Hidden)[:5])]
    tokens.append(vault(thread="t2").hide("Poe", Hidden.NAME, PUBLIC))
    text = "".join([*PIECES, *tokens][place] for place in chosen)
    whole, chance = one.reveal(text, STAFF), random.Random(seed)
    for _ in range(20):
        revealer, shown, place = Revealer(one, STAFF), "", 0
        while place < len(text):
            size = chance.choice((1, 1, 2, 3, 7, 30))
            shown += revealer.feed(text[place : place + size])
            place += size
            assert len(revealer._held) < LONGEST
        assert shown + revealer.close() == whole
