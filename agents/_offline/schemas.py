"""Tools as their own schemas describe them: what each argument takes, and the words it is spoken of with."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

from agents._offline.lexicon import OBJECT_WORDS
from agents._offline.stems import name_stems, objects_in, stems_of
from agents._offline.words import singular

MAX_DESCRIPTION = 6_000
"""Characters of a description that are read; whoever describes a foreign tool may write what he likes."""
_MAX_ARGUMENTS = 40
_MAX_WAYS = 40
_OPTION = re.compile(r"^- ([^:\n]{1,80}): (.*)$")
_FIELDS = re.compile(r"\bfields?\b")
_NOT_ASKED = "do not ask the user"
_APPROVED = re.compile(r"\bapprov(?:e|es|ed|al)\b|\bcountersign", re.IGNORECASE)
_CHANGING = frozenset(
    """open close create add update change set delete remove cancel escalate publish archive assign route convert draft
    save send log start stop merge edit dismiss classify apply approve reject post write advance move schedule reopen
    refine enrol enroll activate place""".split()
)
"""What tools that change something are named for."""
_EVENT_NAMES = {"event": "Event", "meeting": "Event", "user": "User", "owner": "User", "product": "Product2",
                "article": "Knowledge__kav", "assignee": "User", "rep": "User", "draft": "EmailMessage",
                "pricebook": "Pricebook2", "case": "Case", "ticket": "Case"}  # fmt: skip


class Takes(StrEnum):
    RECORD = "record"
    OBJECT = "object"
    """The name of a kind of record."""
    FIELD = "field"
    """The name of a field of the kind of record that another argument takes."""
    DAY = "day"
    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    TEXT = "text"
    CONDITIONS = "conditions"
    """Conditions on fields: a list of field, op and value."""
    FIELDS = "fields"
    """Fields with their values."""
    OTHER = "other"
    """A structure that words do not fill."""


@dataclass(frozen=True, eq=False)
class Argument:
    name: str
    description: str
    takes: Takes
    is_list: bool = False
    is_required: bool = False
    is_whole: bool = False
    default: Any = None
    values: tuple[str, ...] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)
    objects: tuple[str, ...] = ()
    """Kinds of record that it refers to; empty if its words name none."""
    longest: int = 4_000
    lowest: float | None = None
    highest: float | None = None

    @property
    def may_be_asked(self) -> bool:
        return _NOT_ASKED not in self.description.lower()

    @property
    def label(self) -> str:
        """'case_id' -> 'case'; 'close_date' -> 'close date'."""
        words = self.name.removesuffix("_ids").removesuffix("_id").split("_")
        return " ".join(words)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset([*name_stems(self.name), *stems_of(self.description)])

    @cached_property
    def own_words(self) -> frozenset[str]:
        return frozenset(name_stems(self.name))

    @cached_property
    def first_sentence(self) -> str:
        return self.description.split("\n", 1)[0].split(". ", 1)[0].rstrip(".")


@dataclass(frozen=True, eq=False)
class Spec:
    """A bound tool."""

    name: str
    description: str
    arguments: tuple[Argument, ...]
    ways: tuple[str, ...] = ()
    """Ways to ask for it, word for word; see `asking.py`."""

    @cached_property
    def writes(self) -> bool:
        """Whether it says of itself that somebody has to approve it, or is named for a change."""
        return bool(_APPROVED.search(self.description)) or self.name.split("_")[0].lower() in _CHANGING

    @cached_property
    def summary(self) -> str:
        return self.description.split("\n", 1)[0].split(". ", 1)[0]

    def argument(self, name: str) -> Argument | None:
        return next((one for one in self.arguments if one.name == name), None)

    def taking(self, *kinds: Takes) -> list[Argument]:
        return [one for one in self.arguments if one.takes in kinds]


def read_spec(function: Mapping[str, Any]) -> Spec:
    return _read_spec(json.dumps(function, sort_keys=False, default=str))


@lru_cache(maxsize=1_000)
def _read_spec(written: str) -> Spec:
    function = json.loads(written)
    parameters = function.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    properties = parameters.get("properties")
    required = parameters.get("required")
    needed = set(map(str, required)) if isinstance(required, list) else set()
    shared = parameters.get("$defs")
    shared = shared if isinstance(shared, dict) else {}
    arguments = [
        _read_argument(str(name), schema, str(name) in needed, shared)
        for name, schema in (properties.items() if isinstance(properties, dict) else ())
        if isinstance(schema, dict)
    ]
    description = str(function.get("description") or "")[:MAX_DESCRIPTION]
    ways = function.get("ways")
    said = tuple(map(str, ways[:_MAX_WAYS])) if isinstance(ways, list) else ()
    return Spec(str(function["name"]), description, tuple(arguments[:_MAX_ARGUMENTS]), said)


def _read_argument(name: str, schema: Mapping[str, Any], required: bool, shared: Mapping[str, Any]) -> Argument:
    told, meanings = _split_options(str(schema.get("description") or "")[:MAX_DESCRIPTION])
    shape = _resolve(schema, shared)
    is_list = shape.get("type") == "array"
    item = _resolve(shape["items"], shared) if is_list and isinstance(shape.get("items"), dict) else shape
    values = tuple(map(str, item["enum"])) if isinstance(item.get("enum"), list) else tuple(meanings)
    objects = _objects_of(name, told)
    return Argument(
        name=name,
        description=told,
        takes=_takes(name, told, item, values, objects),
        is_list=is_list,
        is_required=required,
        is_whole=item.get("type") == "integer",
        default=schema.get("default"),
        values=values,
        meanings=meanings,
        objects=objects,
        longest=int(item.get("maxLength") or 4_000),
        lowest=item.get("minimum") if isinstance(item.get("minimum"), int | float) else None,
        highest=item.get("maximum") if isinstance(item.get("maximum"), int | float) else None,
    )


def _split_options(description: str) -> tuple[str, dict[str, str]]:
    lines = description.split("\n")
    options = {found[1].strip(): found[2] for line in lines if (found := _OPTION.match(line))}
    return "\n".join(line for line in lines if not _OPTION.match(line)), options


def _resolve(schema: Mapping[str, Any], shared: Mapping[str, Any], depth: int = 0) -> Mapping[str, Any]:
    """The schema behind a reference, or the one alternative that is not null."""
    if depth > 5:
        return {}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        named = shared.get(reference.rsplit("/", 1)[-1])
        return _resolve(named, shared, depth + 1) if isinstance(named, dict) else {}
    for key in ("anyOf", "oneOf", "allOf"):
        choices = schema.get(key)
        if isinstance(choices, list):
            real = [one for one in choices if isinstance(one, dict) and one.get("type") != "null"]
            listed = [one for one in real if one.get("type") == "array"]
            return _resolve((listed or real)[0], shared, depth + 1) if real else {}
    return schema


def _objects_of(name: str, told: str) -> tuple[str, ...]:
    bare = name.removesuffix("_ids").removesuffix("_id").split("_")
    for word in reversed(bare):
        if found := _EVENT_NAMES.get(singular(word)) or OBJECT_WORDS.get(singular(word)):
            return (found,)
    return objects_in(told.split("\n", 1)[0], ())


def _takes(name: str, told: str, item: Mapping[str, Any], values: Sequence[str], objects: Sequence[str]) -> Takes:
    pattern, kind, low = str(item.get("pattern") or ""), item.get("type"), told.lower()
    if values and kind in ("string", "boolean", None):
        return Takes.CHOICE if kind != "boolean" else Takes.FLAG
    if kind == "boolean":
        return Takes.FLAG
    if kind in ("integer", "number"):
        return Takes.NUMBER
    if {"field", "op", "value"} <= set(item.get("properties") or ()):
        return Takes.CONDITIONS
    if kind == "object" and "properties" not in item:
        return Takes.FIELDS if _FIELDS.search(low) else Takes.OTHER
    if kind not in ("string", None) or "properties" in item:
        return Takes.OTHER
    if "{15}" in pattern or (name.endswith(("_id", "_ids")) and not pattern):
        return Takes.RECORD
    if "\\d{4}-" in pattern or "iso date" in low or item.get("format") == "date":
        return Takes.DAY
    if name in ("object", "objects", "object_name") or low.startswith(("kind of record", "kinds of record")):
        return Takes.OBJECT
    return Takes.FIELD if name.split("_")[-1] in ("field", "fields") else Takes.TEXT
