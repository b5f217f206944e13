"""References to what the user said: resolved by code, from this message, whole values only."""

from trust.user_words import describe, is_reference, resolve, values_in

SAID = "Set the amount to 48,500.50 by 2026-12-01, site https://acme.example/a?b=1, mail ann@acme.example. 1. a 2. b"


def test_values_are_taken_in_order() -> None:
    assert values_in(SAID)[:4] == [48500.5, "2026-12-01", "https://acme.example/a?b=1", "ann@acme.example"]
    assert values_in("no values, v2 of case-7, #12") == []


def test_only_whole_references_to_values_that_are_there_resolve() -> None:
    values = values_in(SAID)
    arguments = {"fields": {"Amount": "user_input#1", "Website": " user_input#3 "}, "to": ["user_input#4", "x"]}
    assert resolve(arguments, values) == {
        "fields": {"Amount": 48500.5, "Website": "https://acme.example/a?b=1"},
        "to": ["ann@acme.example", "x"],
    }
    for text in ("user_input#99", "user_input#0", "see user_input#1", "48500.5", "User_input#1"):
        assert resolve(text, values) == text
        assert not is_reference(text, values)
    assert is_reference("user_input#1", values)


def test_the_prompt_says_what_stands_for_what() -> None:
    assert "user_input#2 = 2026-12-01" in describe(values_in(SAID))
