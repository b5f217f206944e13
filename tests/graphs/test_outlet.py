"""What was let out is what the finished message says, in whatever pieces the model spoke."""

import json
from datetime import date
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from graphs._outlet import CHUNK, Outlet, next_cut
from tests.trust.test_egress import assert_inert
from trust.answers import AnswerCheck
from trust.evidence import gather
from trust.grounding import Grounding

ROW = {"Id": "006CS0000000001YAA", "Name": "Renewal", "Amount": 120000, "Manual": "https://docs.northwind.example/a"}
RESULT = {"ok": True, "result": {"records": [ROW]}}
TURNS = [
    {"type": "human", "content": "how much is the renewal worth?"},
    {"type": "tool", "content": json.dumps(RESULT), "tool_call_id": "c"},
]
HOSTS = frozenset({"docs.northwind.example"})


class Stage:
    """An outlet and what came out of it."""

    def __init__(self) -> None:
        self.parts: list[dict[str, Any]] = []
        grounding = Grounding(lambda: gather(TURNS, today=date(2026, 11, 24)))
        self.outlet = Outlet("m1", AnswerCheck(grounding, HOSTS), lambda part: self.parts.append(part[CHUNK]))

    @property
    def streamed(self) -> str:
        return "".join(part["text"] for part in self.parts)

    async def say(self, *pieces: str) -> None:
        for piece in pieces:
            await self.outlet.add(piece)
        self.outlet.end("".join(pieces))


def cut(text: str, places: list[int]) -> list[str]:
    bounds = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[a:b] for a, b in pairwise(bounds)]


SENTENCES = st.sampled_from(
    [
        *[
            "It is worth 120,000. ",
            "Case 4711 is urgent. ",
            "Anything else? ",
            "See **below**. ",
            "word ",
            "\n",
            "\n\n",
            "  ",
        ],
        *[
            "- Renewal: 120,000\n",
            "- Other: 99,000\n",
            "| a |\n|---|\n| 120,000 |\n",
            "```\ncode\n\n",
            "```\n",
            "~~~\n",
            "  ```\n",
        ],
        *[
            "![x](https://evil.example/p)",
            "[x]: https://evil.example\n",
            "<img src=x>",
            "https://evil.example/x?d=1 ",
            "\u200b",
        ],
        *["[ok](https://docs.northwind.example/a) ", "# Title\n", "> ", "1. ", "*", "`", "    ", "\\", "é 👩‍👩‍👧 "],
    ]
)
TEXTS = st.lists(SENTENCES, max_size=14).map("".join)
PLACES = st.lists(st.integers(0, 10_000), max_size=20)


@settings(max_examples=250, deadline=None)
@given(TEXTS, PLACES, PLACES)
async def test_any_pieces_let_the_same_out_and_no_more_than_the_message_says(
    text: str, places: list[int], others: list[int]
) -> None:
    shown = []
    for pieces in (cut(text, places), cut(text, others), list(text)):
        stage = Stage()
        await stage.say(*pieces)
        stage.outlet.go_on()
        stage.outlet.close([])
        assert stage.streamed == stage.outlet.shown
        shown.append(stage.outlet.shown)
    assert shown[0] == shown[1] == shown[2]
    assert_inert(shown[0])
    assert "99,000" not in shown[0].partition("withheld")[0]
    assert "Case 4711" not in shown[0]
    assert "withheld" not in shown[0] or any(word in text for word in ("99,000", "4711", "evil.example"))


async def test_plain_sentences_are_let_out_before_the_next_one_ends() -> None:
    stage = Stage()
    await stage.outlet.add("It is worth 120,000. Anyth")
    assert stage.streamed == ""  # what ends with a digit may go on
    await stage.outlet.add("ing else? I")
    assert stage.streamed == "It is worth 120,000. Anything else? "


async def test_nothing_is_let_out_past_a_sentence_that_is_not_to_be_said() -> None:
    stage = Stage()
    await stage.say("It is Renewal. Case 4711 is urgent. Goodbye for now. ")
    assert stage.streamed == "It is Renewal. "
    stage.outlet.restart()
    await stage.say("It is Renewal. ", "It is worth 120,000.")
    stage.outlet.close([])
    assert stage.streamed == stage.outlet.shown == "It is Renewal. It is worth 120,000."


async def test_a_second_answer_that_does_not_repeat_goes_on() -> None:
    stage = Stage()
    await stage.say("It is Renewal. Case 4711 is urgent.")
    stage.outlet.restart()
    await stage.say("Sorry, case 4711 again. ", "The rest is unknown.")
    stage.outlet.close([])
    assert stage.streamed.startswith("It is Renewal. \n\nThe rest is unknown.\n\n*One sentence was withheld")


async def test_an_answer_from_another_model_takes_the_place_of_what_broke_off() -> None:
    stage = Stage()
    await stage.outlet.add("It is Renewal. It is wor")
    stage.outlet.begin_again()
    await stage.say("It is Renewal. ", "Worth 120,000.")
    assert stage.outlet.shown == "It is Renewal. Worth 120,000."
    silent = Stage()
    silent.outlet.end("Not streamed at all.")
    assert silent.streamed == "Not streamed at all."


async def test_calls_come_last_and_whole() -> None:
    stage = Stage()
    await stage.say("One moment.")
    stage.outlet.close([{"name": "find", "args": {}, "id": "c", "type": "tool_call"}])
    assert stage.parts[-1]["calls"][0]["name"] == "find"
    assert stage.streamed == "One moment."


async def test_a_long_block_is_not_looked_through_for_every_word() -> None:
    stage = Stage()
    await stage.say(*["**word** "] * 8_000)
    assert len(stage.outlet.shown) > 50_000


def test_code_is_not_cut() -> None:
    assert next_cut("```\na\n\nb\n```\n\nc") == len("```\na\n\nb\n```\n\n")
    assert next_cut("Plain text. More") == len("Plain text. ")
    assert next_cut("Plain **text**. More") == 0
