"""What the model of a turn gets to see: the conversation, with handles where outsiders speak."""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from crm.ids import normalise_id
from graphs._extractor import Extractor
from graphs.context import RunContext
from graphs.messages import text_of
from graphs.state import Call, Message, TurnState
from tools._declare import Tool, ToolFailedError
from tools._inputs import Seen
from tools._labels import Labelled
from tools.outside_text import WantedValue, extract_values, read_text
from trust.actions import Effect
from trust.handles import HANDLE, Handles, OutsideText, Path, map_strings, neutralise
from trust.labels import Integrity, Label, join_all
from trust.masking.fields import Place
from trust.masking.masker import label_by_field
from trust.provenance import OUTSIDE
from trust.user_words import resolve, values_in

_BEGUN = re.compile(r"⟦[A-Z2-7:]{0,15}\Z")
_ID_IN_WORDS = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?(?![0-9A-Za-z])")


@dataclass(frozen=True)
class Sight:
    """`messages` are for the model; `seen` is for whoever judges what it makes of them."""

    messages: list[Message]
    seen: Seen
    people: Mapping[tuple[str | None, str | None], Label]
    """Labels of personal values from outside, by record and field: the gateway hides those, and keeps the labels."""

    def label_for(self, place: Place, label: Label) -> Label:
        """The label of a value that the gateway is about to hide."""
        return self.people.get((place.record_id, place.field)) or label_by_field(place, label)


def look(state: TurnState, context: RunContext, secret: bytes, *, hide_people: bool = False) -> Sight:
    """Everything in the conversation as the model of this turn may see it.

    `hide_people`: handles for personal values as well, for callers whom no gateway stands in front of.
    """
    handles = Handles(secret, f"{context.principal.tenant}:{context.thread_id}")
    run = state["turn"].get("run_id")
    noted = state.get("notes") or {}
    messages = [
        _as_seen(message, noted.get(message["id"]) or {}, handles, run, hide_people)
        for message in state.get("messages", [])
    ]
    people = {
        (one["personal"][0], one["personal"][1]): Label.from_json(one["label"])
        for notes in noted.values()
        for one in notes.get("outside", ())
        if one["personal"]
    }
    return Sight(messages, _seen(state, context, handles), people)


def _as_seen(
    message: Message, notes: Mapping[str, Any], handles: Handles, run: str | None, hide_people: bool
) -> Message:
    if message["type"] == "human":
        return {**message, "content": neutralise(text_of(message))}
    if message["type"] == "tool":
        return _tool_as_seen(message, notes, handles, run, hide_people)
    written = notes.get("written")
    if written is None:
        return message
    if notes["label"]["integrity"] == Integrity.EXTERNAL.word and notes["run"] != run:
        text = text_of(message)
        return {**message, "content": handles.hide(text, Label.from_json(notes["label"])) if text.strip() else ""} | (
            {"tool_calls": _calls_as_written(message, written)} if message.get("tool_calls") else {}
        )
    return {**message, "content": written["content"], "tool_calls": _calls_as_written(message, written)}


def _calls_as_written(message: Message, written: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{**call, "args": written["calls"].get(call["id"], call["args"])} for call in message["tool_calls"]]


def _tool_as_seen(
    message: Message, notes: Mapping[str, Any], handles: Handles, run: str | None, hide_people: bool
) -> Message:
    outside = notes.get("outside")
    if not outside:
        return message
    envelope = json.loads(message["content"])
    is_read_now = notes.get("is_read_out") and notes.get("run") == run
    for one in outside:
        label = Label.from_json(one["label"])
        handle = handles.hide(value_at(envelope, one["path"]), label)
        if not is_read_now and (hide_people or not one["personal"]):
            _put(envelope, one["path"], handle)
    return {**message, "content": json.dumps(envelope, ensure_ascii=False)}


def _seen(state: TurnState, context: RunContext, handles: Handles) -> Seen:
    run = state["turn"].get("run_id")
    principal = context.principal
    words = Integrity.EXTERNAL if principal.is_customer else Integrity.USER
    user = Label(words, frozenset({principal.id}), None, "the user")
    shown, typed, ids = [user], [], {principal.id}
    for message in state.get("messages", []):
        notes = (state.get("notes") or {}).get(message["id"]) or {}
        if message["type"] == "human":
            ids |= {found for one in _ID_IN_WORDS.findall(text_of(message)) if (found := normalise_id(one))}
        elif message["type"] == "tool" and notes:
            ids |= set(notes["ids"])
            shown.append(Label.from_json(notes["inside"]))
            if notes["run"] == run and notes.get("is_read_out"):
                shown += [Label.from_json(one["label"]) for one in notes["outside"]]
            if notes.get("is_extracted"):  # they stay in sight, in later turns as well
                typed.append(Label.from_json(notes["extracted"]))
    if state["turn"].get("is_doubtful"):
        shown.append(Label(Integrity.EXTERNAL, frozenset({OUTSIDE}), None, "a text that talks to an assistant"))
    together = join_all(shown)
    own = Label(
        min(together.integrity, Integrity.CRM_VERIFIED), together.writers, together.readers, "the copilot's own words"
    )
    said = values_in(next((text_of(m) for m in reversed(state.get("messages", [])) if m["type"] == "human"), ""))
    return Seen(handles, frozenset(ids), own, join_all([own, *typed]), said, user)


@dataclass(frozen=True)
class TextsInSight:
    """What the tools for outside text may look up, for the length of one call."""

    handles: Handles
    context: RunContext
    extractor: Extractor | None

    def look_up(self, handle: str) -> OutsideText | None:
        return self.handles.texts.get(handle)

    async def extract(self, handle: str, wanted: Sequence[WantedValue]) -> dict[str, Any]:
        """Raises: ToolFailedError."""
        if self.extractor is None:
            raise ToolFailedError("nothing is set up to take values out of texts")
        return await self.extractor.extract(self.context, self.handles.texts[handle].text, wanted)


class _Described(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def effect(self) -> Effect: ...


def plan_after_reading(
    agent_tools: Iterable[_Described], wanted: Iterable[str], standing: Sequence[str] | None
) -> list[str]:
    """The tools that stay open once outside text was read: those that only read, and those named before.

    What is closed stays closed until the user speaks again.
    """
    named = frozenset(wanted)
    open_now = {tool.name for tool in agent_tools if tool.effect is Effect.READ or tool.name in named}
    return sorted(open_now if standing is None else open_now & set(standing))


def about_outside_text(call: Call, sight: Sight) -> dict[str, Any]:
    """What else to note about a call of the tools for outside text."""
    if call["name"] == read_text.name:
        return {"is_read_out": True}
    if call["name"] == extract_values.name:
        found = sight.seen.handles.texts[call["arguments"]["handle"]]
        return {"is_extracted": True, "extracted": found.label.to_json()}
    return {}


def notes_of(labelled: Labelled, run_id: str, *, part: str = "result", **more: Any) -> dict[str, Any]:
    """What a tool's message carries about its values, beside them. `part` of the answer is what was labelled."""
    outside = [
        {"path": [part, *path], "label": label.to_json(), "personal": labelled.personal.get(path)}
        for path, label in labelled.outside.items()
    ]
    return {
        "outside": outside,
        "inside": labelled.inside.to_json(),
        "ids": sorted(labelled.ids),
        "run": run_id,
        **more,
    }


@dataclass
class HandleStream:
    """A model's words on their way out, with outsiders' words in the place of handles."""

    handles: Handles
    out: Callable[[str], Awaitable[None]]
    _held: str = ""

    async def add(self, delta: str) -> None:
        """Pass the next words on; what may be the beginning of a handle waits for its end."""
        text = self._held + delta
        begun = _BEGUN.search(text)
        cut = len(text) if begun is None else begun.start()
        self._held = text[cut:]
        if cut:
            await self.out(self.handles.reveal_cut(text[:cut]))


def note_what_was_written(
    message: Message, calls: list[Call], sight: Sight, tools: Iterable[Tool], run_id: str
) -> dict[str, Any]:
    """Put words in the place of handles in the calls of a model's new message; the note of what it had written."""
    handles, by_name = sight.seen.handles, {tool.name: tool for tool in tools}
    written = {"content": message["content"], "calls": {call["id"]: call["written"] for call in calls}}
    for call in calls:
        revealed = _reveal_arguments(call["written"], by_name.get(call["name"]), handles)
        call["arguments"] = resolve(revealed, sight.seen.said)
    for told, call in zip(message["tool_calls"], calls, strict=True):
        told["args"] = call["arguments"]
    has_handles = HANDLE.search(message["content"]) or any(c["arguments"] != c["written"] for c in calls)
    is_tainted = sight.seen.own.integrity is Integrity.EXTERNAL
    sources = sorted({label.origin for label in handles.labels_in(message["content"])})
    if sources or is_tainted:
        message["additional_kwargs"] = {"outside": sources or [sight.seen.own.origin]}
    if has_handles or is_tainted:
        return {"written": written, "label": sight.seen.own.to_json(), "run": run_id}
    return {}


def _reveal_arguments(written: Mapping[str, Any], tool: Tool | None, handles: Handles) -> dict[str, Any]:
    kept = tool.handle_arguments if tool is not None else frozenset[str]()
    return {name: value if name in kept else map_strings(value, handles.reveal) for name, value in written.items()}


def with_labels(message: Message, notes: Mapping[str, Any]) -> Message:
    """A tool's answer with what its reader may know of the labels: which values an outsider may have written."""
    outside = [
        {"path": spell(one["path"]), "integrity": one["label"]["integrity"], "origin": one["label"]["origin"]}
        for one in notes.get("outside", ())
    ]
    return {**message, "artifact": {"labels": outside}} if outside else message


def spell(path: Path) -> str:
    """A place in JSON data as people write it: `records[0].Subject`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def value_at(value: Any, path: Sequence[str | int]) -> str:
    """The text at a place in JSON data."""
    for key in path:
        value = value[key]
    return str(value)


def _put(value: Any, path: Sequence[str | int], text: str) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = text
