"""What holds for every tool, whoever adds one."""

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

import tools
from tests.trust.acting import reads, staff
from tools import _catalogue, _run
from tools._catalogue import CatalogueError, describe_catalogue, load_catalogue
from tools._declare import Arguments, Proposal, ReadingCrm, Result, ToolContext, ToolRetryError, argument, tool
from trust.actions import Effect
from trust.policy import Grant, GrantError, decide

TOOLS = load_catalogue()


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and those inside it."""
    yield model
    for field in model.model_fields.values():
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if inspect.isclass(part) and issubclass(part, BaseModel):
                yield from models(part)


@pytest.mark.parametrize("name", TOOLS)
class TestEveryTool:
    def test_it_says_what_it_is(self, name: str) -> None:
        one = TOOLS[name]
        assert one.name == name == one.function.__name__
        assert 20 < len(one.description) < 600
        for field, declared in one.arguments.model_fields.items():
            assert declared.description, field
            assert {"source", "ask_user", "personal"} <= set(declared.json_schema_extra or {}), field

    def test_it_has_no_argument_for_who_or_where(self, name: str) -> None:
        fields = {field for model in models(TOOLS[name].arguments) for field in model.model_fields}
        assert not {
            f for f in fields if f.startswith(("tenant", "user", "caller", "owner", "as_", "approv", "confirm"))
        }

    def test_it_takes_no_argument_that_it_does_not_have(self, name: str) -> None:
        with pytest.raises(ToolRetryError, match="surplus"):
            TOOLS[name].validate({"surplus": 1})
        for model in models(TOOLS[name].arguments):
            assert model.model_config.get("extra") == "forbid", model

    def test_writing_is_proposing(self, name: str) -> None:
        one = TOOLS[name]
        returned = inspect.get_annotations(one.function, eval_str=True)["return"]
        assert (returned is Proposal) is (one.effect is not Effect.READ) is (one.result is None)
        if one.effect is Effect.READ:
            assert issubclass(returned, Result)

    def test_its_schema_is_plain_json_schema_with_ends(self, name: str) -> None:
        parameters = TOOLS[name].schema["function"]["parameters"]
        assert parameters["additionalProperties"] is False
        text = str(parameters)
        assert "'source'" not in text
        assert "'ask_user'" not in text
        for field, schema in parameters["properties"].items():
            for one in schema.get("anyOf", [schema]):
                if one.get("type") == "string":
                    assert {"maxLength", "pattern", "enum"} & set(one), f"{field} has no end"
                if one.get("type") == "array":
                    assert "maxItems" in one or "enum" in str(one), f"{field} has no end"

    @pytest.mark.parametrize(
        "arguments",
        [
            None,
            [],
            "text",
            {1: 2},
            {"x": object()},
            {"x": float("nan")},
            {"x": float("-inf")},
            pytest.param({"x": 10**5_000}, id="5001 digits"),
            {"x": "\ud800"},
            {"\udfff": 1},
            {"x": {"y": [{"z": "\ud800"}]}},
            {"x" * 100_000: 1},
            {"x": b"bytes"},
        ],
        ids=lambda value: repr(value)[:24] if not isinstance(value, dict) else None,
    )
    def test_what_is_no_arguments_is_refused_in_a_few_words(self, name: str, arguments: Any) -> None:
        with pytest.raises(ToolRetryError) as caught:
            TOOLS[name].validate(arguments)
        assert len(str(caught.value)) < 2_500


def test_deep_nesting_is_refused() -> None:
    deep: Any = 1
    for _ in range(5_000):
        deep = [deep]
    for nested in ({"object": "Account", "fields": {"Name": deep}}, {"x": deep}):
        with pytest.raises(ToolRetryError, match="nesting"):
            TOOLS["create_record"].validate(nested)


def test_there_is_no_second_tool_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    found = dict(TOOLS)
    with pytest.raises(CatalogueError, match="declared in"):
        _catalogue._check(TOOLS["find_record"], found)


class Nothing(Arguments):
    tenant_id: str = argument("Which.", max_length=5)


class Something(Result):
    pass


async def peep(ctx: ToolContext, args: Nothing) -> Something:
    """Look at another tenant."""
    return Something()


async def mum(ctx: ToolContext, args: Arguments) -> Something:
    return Something()


async def scribble(ctx: ToolContext, args: Arguments) -> Something:
    """Write without proposing."""
    return Something()


async def pretend(ctx: ToolContext, args: Arguments) -> Proposal:
    """Propose while reading."""
    return Proposal(())


def test_declarations_that_do_not_hold_together_are_refused() -> None:
    with pytest.raises(CatalogueError, match="tenant"):
        _catalogue._check(tool(effect=Effect.READ, scope="s")(peep), {})
    with pytest.raises(CatalogueError, match="no description"):
        _catalogue._check(tool(effect=Effect.READ, scope="s")(mum), {})
    for effect in (Effect.WRITE, Effect.DRAFT, Effect.SEND):
        with pytest.raises(TypeError, match="Proposal"):
            tool(effect=effect, scope="s")(scribble)
    with pytest.raises(TypeError, match="Proposal"):
        tool(effect=Effect.READ, scope="s")(pretend)


def test_a_tool_is_not_callable_by_itself() -> None:
    assert not callable(TOOLS["get_record"])
    assert {name for name in vars(ReadingCrm) if not name.startswith("_")} == {
        "describe",
        "list_objects",
        "get",
        "query",
        "aggregate",
        "measure",
        "semantics",
        "find",
        "search",
        "names_of",
        "propose_create",
        "propose_update",
        "propose_confirm",
        "propose_convert",
    }, "what a tool is given has nothing to write with"
    assert tools.__path__


async def test_a_grant_for_one_call_runs_no_other() -> None:
    one = TOOLS["get_record"]
    arguments = {"object": "Account", "record_id": "001CS0000000001", "related": []}
    action = reads(tool="get_record", agent_tools=frozenset({"get_record"}), arguments=arguments)
    grant = decide(action, staff())
    assert isinstance(grant, Grant)
    other = reads(tool="get_record", agent_tools=frozenset({"get_record"}), arguments={**arguments, "object": "Case"})
    context: Any = None
    with pytest.raises(GrantError):
        await _run.read(grant, other, staff(), one, context)
    with pytest.raises(TypeError, match="not for"):
        await _run.read(grant, action, staff(), TOOLS["query_records"], context)


def test_the_hash_of_a_tool_follows_its_declaration() -> None:
    one = TOOLS["get_record"]
    changed = [
        replace(one, effect=Effect.SEND),
        replace(one, scope="other"),
        replace(one, description="other"),
        replace(one, arguments=TOOLS["query_records"].arguments),
    ]
    assert len({one.schema_hash, *(other.schema_hash for other in changed)}) == 5


def test_the_description_names_every_tool_and_argument() -> None:
    text = describe_catalogue()
    for one in TOOLS.values():
        assert f"## {one.name}\n" in text
        for field in one.arguments.model_fields:
            assert f"`{field}`" in text


def test_what_may_be_chosen_is_explained_where_every_model_reads_it() -> None:
    class Choosing(Arguments):
        colour: str = argument("Which colour.", options={"red": "like fire", "blue": "like water"}, max_length=9)

    description = Choosing.model_json_schema()["properties"]["colour"]["description"]
    assert description == "Which colour.\n- red: like fire\n- blue: like water"
