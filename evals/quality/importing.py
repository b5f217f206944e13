"""Test cases of other people's testing tools: the CSV that Agentforce's Testing Center takes, as a suite.

Columns, in any order and spelling of case and spaces: `Utterance`, `Expected Topic`, `Expected Actions`,
`Expected Response`, and optionally `Conversation History` and `Context Variables`.
"""

import ast
import csv
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from evals.quality.cases import ROUTES
from evals.quality.loading import Names

COLUMNS: dict[str, tuple[str, ...]] = {
    "Utterance": ("utterance",),
    "Expected Topic": ("expectedtopic", "expectedtopics", "expectedsubagent"),
    "Expected Actions": ("expectedactions", "expectedaction"),
    "Expected Response": ("expectedresponse", "expectedoutcome"),
    "Conversation History": ("conversationhistory",),
    "Context Variables": ("contextvariables", "contextvariable"),
}
NEEDED = ("Utterance", "Expected Topic")
TOPICS = {
    "offtopic": "off_topic",
    "escalation": "escalate",
    "escalatetoperson": "escalate",
    "ambiguousquestion": "clarify",
    "generalcrm": "sales",
    "generalfaq": "service",
    "casemanagement": "service",
    "ordermanagement": "service",
    "accountmanagement": "sales",
    "salesmanagement": "sales",
    "opportunitymanagement": "sales",
    "dataanalysis": "analytics",
    "campaignmanagement": "marketing",
}
"""Topics that the other tool comes with -> what answers here."""
ACTIONS = {
    "identifyrecordbyname": "find_record",
    "identifyobjectbyname": "find_record",
    "getrecorddetails": "get_record",
    "summarizerecord": "get_record",
    "queryrecords": "query_records",
    "queryrecordswithaggregate": "aggregate_records",
    "getactivitiestimeline": "activities_timeline",
    "updaterecord": "update_record",
    "updaterecordfields": "update_record",
    "createtodo": "create_task",
    "logacall": "log_call",
    "draftorreviseemail": "create_draft",
    "answerquestionswithknowledge": "search_knowledge",
    "addcasecomment": "add_case_comment",
}
"""Standard actions of the other tool -> tools of the same use here."""
_LARGEST_CELL = 100_000


class ImportFaults(Exception):  # noqa: N818 - several at once
    """What cannot be read: a line for each, with row and column."""


@dataclass
class CsvImport:
    """Turns rows into cases. `topics` and `actions` are the tenant's own names -> agents and tools."""

    names: Names
    topics: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def read(self, path: Path) -> list[dict[str, Any]]:
        """The rows as cases. Raises: ImportFaults with everything that is wrong."""
        csv.field_size_limit(_LARGEST_CELL)
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.reader(file, strict=True))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ImportFaults(f"{path}: cannot be read: {error}") from None
        if not rows:
            raise ImportFaults(f"{path}: is empty; expected a row of column names")
        columns = self._columns(rows[0])
        filled = [(number, row) for number, row in enumerate(rows[1:], 2) if any(cell.strip() for cell in row)]
        cases = [self._case(number, row, columns, len(rows[0])) for number, row in filled]
        if not cases:
            self.faults.append("no row has a case")
        if self.faults:
            raise ImportFaults("\n".join(f"{path}: {fault}" for fault in self.faults))
        return [one for one in cases if one is not None]

    def _columns(self, head: list[str]) -> dict[str, int]:
        spellings = {word: name for name, words in COLUMNS.items() for word in words}
        found: dict[str, int] = {}
        for place, cell in enumerate(head):
            name = spellings.get(_word(cell))
            if name is None:
                self.faults.append(f"row 1, column {cell!r}: is not known; expected {', '.join(COLUMNS)}")
            elif name in found:
                self.faults.append(f"row 1, column {cell!r}: is there twice")
            else:
                found[name] = place
        self.faults += [f"row 1: column {name!r} is missing" for name in NEEDED if name not in found]
        return found

    def _case(self, number: int, row: list[str], columns: Mapping[str, int], width: int) -> dict[str, Any] | None:
        if len(row) > width:
            self.faults.append(f"row {number}: has {len(row)} cells, the first row {width}")
            return None
        cells = {name: row[place].strip() if place < len(row) else "" for name, place in columns.items()}
        case: dict[str, Any] = {"id": f"row-{number}", "say": cells.get("Utterance", "")}
        if not case["say"]:
            self.faults.append(f"row {number}, column 'Utterance': is empty")
        readers: dict[str, Callable[[str], dict[str, Any]]] = {
            "Expected Topic": self._topic,
            "Expected Actions": self._actions,
            "Expected Response": lambda text: {"answer": {"says": text}},
            "Conversation History": self._history,
            "Context Variables": self._variables,
        }
        expect: dict[str, Any] = {}
        for name, read in readers.items():
            if not cells.get(name):
                continue
            try:
                read_values = read(cells[name])
            except ValueError as error:
                self.faults.append(f"row {number}, column {name!r}: {error}")
                continue
            (case if name in ("Conversation History", "Context Variables") else expect).update(read_values)
        return case | ({"expect": expect} if expect else {})

    def _topic(self, text: str) -> dict[str, Any]:
        return {"agent": self._agent_for(text)}

    def _agent_for(self, topic: str) -> str:
        word = _word(topic)
        own = {_word(name): agent for name, agent in self.topics.items()}
        agents = {_word(name): name for name in (*self.names.agents, *ROUTES)}
        found = own.get(word) or agents.get(word) or TOPICS.get(word)
        if found is None:
            raise ValueError(f"no agent is known for the topic {topic!r}; say which in the file of --map, under topics")
        if found not in self.names.agents and found not in ROUTES:
            raise ValueError(f"topic {topic!r} is mapped to {found!r}, which is no agent")
        return found

    def _actions(self, text: str) -> dict[str, Any]:
        wanted = _list_in(text)
        return {"tools": {"order": "partial", "calls": [self._tool_for(one) for one in wanted]}} if wanted else {}

    def _tool_for(self, action: str) -> str:
        word = _word(re.sub(r"^EmployeeCopilot__|_[0-9A-Za-z]{15,18}$", "", action))
        own = {_word(name): tool for name, tool in self.actions.items()}
        tools = {_word(name): name for name in self.names.tools}
        found = own.get(word) or tools.get(word) or ACTIONS.get(word)
        if found is None:
            raise ValueError(
                f"no tool is known for the action {action!r}; say which in the file of --map, under actions"
            )
        if found not in self.names.tools:
            raise ValueError(f"action {action!r} is mapped to {found!r}, which is no tool")
        return found

    def _history(self, text: str) -> dict[str, Any]:
        """The user's part: what the copilot said before is its own to say again."""
        try:
            given = json.loads(text)
        except ValueError as error:
            raise ValueError(f"expected JSON, a list of messages with role and message: {error}") from None
        if not isinstance(given, list):
            raise ValueError("expected a list of messages with role and message")
        said = []
        for place, one in enumerate(given, 1):
            role = str(one.get("role", "")).lower() if isinstance(one, dict) else ""
            if role not in ("user", "agent") or not isinstance(one.get("message"), str):
                raise ValueError(f"message {place}: expected role 'user' or 'agent' and a message")
            if role == "user":
                said.append(one["message"])
        return {"history": said}

    def _variables(self, text: str) -> dict[str, Any]:
        case: dict[str, Any] = {}
        told = []
        for name, value in _pairs_in(text).items():
            word = _word(name.removeprefix("$Context."))
            if word == "today":
                case["today"] = value
            elif word in ("contactemail", "contact"):
                case["caller"] = {"contact": value}
            elif word in ("username", "employee"):
                case["caller"] = {"employee": value.partition("@")[0]}
            else:
                told.append(f"{name}: {value}")
        return case | ({"instructions": "\n".join(told)} if told else {})


def _word(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def _list_in(text: str) -> list[str]:
    """`['a', 'b']`, a JSON list, or names with commas or semicolons between."""
    if text.startswith("["):
        try:
            given = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            raise ValueError("expected a list such as ['QueryRecords', 'GetRecordDetails']") from None
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise ValueError("expected a list of names")
        return [one.strip() for one in given if one.strip()]
    return [one.strip(" '\"") for one in re.split(r"[,;\n]", text) if one.strip(" '\"")]


def _pairs_in(text: str) -> dict[str, str]:
    """A JSON object, a JSON list of name and value, or `name=value; name=value`."""
    if text.startswith(("{", "[")):
        try:
            given = json.loads(text)
        except ValueError as error:
            raise ValueError(f"expected JSON, or name=value; name=value: {error}") from None
        if isinstance(given, dict):
            return {str(name): str(value) for name, value in given.items()}
        if not all(isinstance(one, dict) and {"name", "value"} <= one.keys() for one in given):
            raise ValueError("expected a list of objects with name and value")
        return {str(one["name"]): str(one["value"]) for one in given}
    found = {}
    for part in filter(str.strip, text.split(";")):
        name, mark, value = part.partition("=")
        if not mark or not name.strip():
            raise ValueError(f"expected name=value, not {part.strip()!r}")
        found[name.strip()] = value.strip()
    return found


def load_map(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The topics and the actions of a YAML file. Raises: ImportFaults."""
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ImportFaults(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    parts = [given.get(name, {}) for name in ("topics", "actions")] if isinstance(given, dict) else []
    if not parts or set(given) - {"topics", "actions"} or not all(_is_map(one) for one in parts):
        raise ImportFaults(f"{path}: expected topics and actions, each a map of names to names")
    return parts[0], parts[1]


def _is_map(given: Any) -> bool:
    return isinstance(given, dict) and all(isinstance(one, str) for pair in given.items() for one in pair)
