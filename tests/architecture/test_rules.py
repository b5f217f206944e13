"""Rules of the house that no type checker knows: who may make a tenant, who may query, what may be installed."""

import ast
import importlib.metadata
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import agents
from agents._roster import load_roster
from tools._catalogue import describe_catalogue, load_catalogue

ROOT = Path(__file__).parents[2]
PACKAGES = ("agents", "api", "crm", "graphs", "tools", "trust")
QUERYING = ("crm/repositories/", "crm/migrations/", "crm/seed/", "crm/transfer/", "crm/database.py", "crm/migrate.py")
STATEMENTS = {"select", "insert", "update", "delete", "text"}


def sources() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text()


def escapes(source: str, mark: str) -> set[int]:
    """Lines that an escape comment speaks for: its own and the next."""
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and mark in token.string and len(token.string.split(mark)[1].split()) >= 3:
            found |= {token.start[0], token.start[0] + 1}
    return found


def calls_of(source: str, name: str) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", None)) == name
    ]


def test_a_tenant_is_made_from_a_verified_token_only() -> None:
    strays = [
        f"{path}:{line}"
        for path, source in sources()
        if path != "api/auth.py"
        for line in calls_of(source, "TenantId")
        if line not in escapes(source, "tenant-id:")
    ]
    assert strays == []


def test_a_grant_is_made_by_the_policy_only() -> None:
    strays = [path for path, source in sources() if path != "trust/policy.py" and calls_of(source, "Grant")]
    assert strays == []


def test_statements_are_built_where_queries_live() -> None:
    strays = []
    for path, source in sources():
        if path.startswith(QUERYING):
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
                strays += [f"{path}: {alias.name}" for alias in node.names if alias.name in STATEMENTS]
    assert strays == []


def test_the_environment_is_read_in_the_api_only() -> None:
    strays = [
        path
        for path, source in sources()
        if not path.startswith("api/") and ("os.environ" in source or "getenv" in source)
    ]
    assert strays == []


@pytest.mark.parametrize("folder", ["guards"])
def test_guards_are_functions_of_their_arguments(folder: str) -> None:
    allowed = {
        "crm.connector",
        "crm.schema",
        "trust.actions",
        "trust.cedar",
        "trust.decisions",
        "trust.facts",
        "trust.gravity",
        "trust.preapprovals",
        "trust.principal",
        "trust.rights",
    }
    for path in sorted((ROOT / "trust" / folder).glob("[a-z]*.py")):
        tree = ast.parse(path.read_text())
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert imported <= allowed, path.name
        functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert path.stem in functions


def test_no_other_package_is_installed_over_ours() -> None:
    assert Path(agents.__file__).parent == ROOT / "agents"
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("openai-agents")


def test_the_list_of_tools_is_up_to_date() -> None:
    assert (ROOT / "docs" / "tools.md").read_text() == describe_catalogue(), "run `make catalog`"


def test_the_five_domains_are_there_and_each_tool_is_used() -> None:
    assert set(load_roster()) == {"analytics", "developer", "marketing", "sales", "service"}
    used = {name for agent in load_roster().values() for name in agent.tool_names}
    assert used == set(load_catalogue())


def test_the_names_of_the_card_exist() -> None:
    assert {"lookup_account", "fetch_cases", "create_draft"} <= set(load_catalogue())
