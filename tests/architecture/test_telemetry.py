"""Rules for what is logged and traced: constant words, ids, and no other way out than the two that keep to them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.test_rules import sources
from trust import telemetry

LOGGERS = {"_log", "log", "logger", "logging"}
SAYS = {"debug", "info", "warning", "error", "critical", "exception", "log"}

ARGUMENTS = {
    "api/auth.py": {"self.path", "type(error).__name__", "place", "key"},
    "api/charts.py": {"process.returncode", "len(drawn)"},
    "api/durable_queue.py": {"run_id", "len(stranded)"},
    "api/errors.py": {"reference"},
    "api/mcp/server.py": {"reference"},
    "api/rounds.py": {"type(self).__name__"},
    "api/telemetry/requests.py": {"'request'"},
    "graphs/runner.py": {"run.run_id", "run_id", "reference"},
    "trust/head_export.py": {"name", "broken.fault.reason"},
}
"""What is put into log lines, per file: ids, kinds, places of the service's own. Who adds one says it is such."""


def log_calls(source: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in SAYS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in LOGGERS
        ):
            yield node


def test_log_lines_are_constants_with_nothing_but_ids_put_in() -> None:
    found = 0
    for path, source in sources():
        for call in log_calls(source):
            found += 1
            words = call.args[1] if getattr(call.func, "attr", "") == "log" else call.args[0]
            assert isinstance(words, ast.Constant), f"{path}:{call.lineno} puts its line together"
            put_in = {ast.unparse(one) for one in call.args[1:]}
            assert put_in <= ARGUMENTS.get(path, set()), f"{path}:{call.lineno} puts in {put_in}"
    assert found > 15


def test_nothing_is_printed() -> None:
    for path, source in sources():
        prints = [
            node.lineno
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        ]
        assert prints == [], path


def test_traces_are_written_through_one_module() -> None:
    for path, source in sources():
        if path == "trust/telemetry.py" or path.startswith("api/"):
            continue
        modules = [node.module or "" for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
        assert [name for name in modules if name.startswith(("opentelemetry", "prometheus_client"))] == [], path


def test_names_of_attributes_stand_in_one_place() -> None:
    for path, source in sources():
        if path == "trust/telemetry.py":
            continue
        strays = [
            node.value
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in telemetry.ALLOWED
        ]
        assert strays == [], path


def test_only_known_values_can_be_noted() -> None:
    assert telemetry.INPUT_MESSAGES not in telemetry.ALLOWED
    assert {telemetry.TOOL, telemetry.CONVERSATION, telemetry.RUN, telemetry.TENANT} <= telemetry.ALLOWED
    assert not [name for name in telemetry.ALLOWED if "user" in name or "message" in name or "content" in name]


def test_the_page_on_observability_names_what_there_is() -> None:
    page = (Path(__file__).parents[2] / "docs" / "observability.md").read_text()
    assert sorted(name for name in telemetry.ALLOWED if f"`{name}`" not in page) == []
