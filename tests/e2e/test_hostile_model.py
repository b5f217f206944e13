"""A model that emits any calls with any arguments learns nothing it may not and changes nothing.

The same calls are made on a database and on a copy from which everything was taken that the caller may not see, by an
oracle that shares no code with the service. Equal answers mean that nothing hidden took part in them.
"""

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from agents._adversarial import AdversarialModel
from agents._agent import DomainAgent
from agents._roster import load_roster
from api.settings import Settings
from crm.connector import DATE_PARTS
from crm.database import Database, DatabaseConfig
from crm.errors import RecordNotFoundError
from crm.ids import TenantId
from crm.schema import OBJECT_INFO
from crm.seed.people import ALAN, ANN_POE, DANA, ELI, IRIS, NORTHWIND, SAM, SOUTHRIDGE, staff_id
from graphs._calls import CallDesk
from graphs.context import Limits, RunContext
from tests.conftest import Templates, seed_small
from tests.oracle import RECORDS, Oracle, dump_records, raw_rows
from tests.service import World, message, open_world
from tools._catalogue import load_catalogue
from trust.principal import Principal, load_principal
from trust.scopes import ALL_SCOPES

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
KEY = b"signs the cursors of tests only!"
PEOPLE = {
    "sales rep": (NORTHWIND, staff_id(DANA.key)),
    "rep of another region": (NORTHWIND, staff_id(ELI.key)),
    "service agent": (NORTHWIND, staff_id(SAM.key)),
    "analyst": (NORTHWIND, staff_id(ALAN.key)),
    "marketing": (NORTHWIND, staff_id(IRIS.key)),
    "customer": (NORTHWIND, ANN_POE.contact_id),
    "sales rep of the other tenant": (SOUTHRIDGE, staff_id(DANA.key)),
}
ENDINGS = {"answered", "held", "retry", "failed", "denied", "not_found"}
CALLS_AT_ONCE = 10


class Desk:
    """One database with the desk that guards calls on it, and what its last answers offered to go on with."""

    def __init__(self, database: Database, principal: Principal) -> None:
        self.desk = CallDesk(load_roster(), load_catalogue(), database, KEY, Limits())
        self.principal = principal
        self.cursor: Any = "none yet"
        self.runs = 0

    async def answer(self, agent: str, calls: list[dict[str, Any]]) -> list[Any]:
        """What a model would be told: one answer per call; for a held call, the card without its invented id."""
        self.runs += 1
        numbered = [
            {"id": f"c{place}", "name": call["name"], "arguments": self._filled(call["arguments"]), "verdict": ""}
            for place, call in enumerate(calls)
        ]
        state: Any = {"calls": numbered, "route": {"agent": agent}, "turn": {"trail": [], "tool_calls": 0}}
        context = RunContext(self.principal, "thread", f"run-{self.runs}", NOW, NOW.date())
        update = await self.desk.guard(state, context)
        told = {m["tool_call_id"]: json.loads(m["content"]) for m in update["messages"]}
        acted = await self.desk.act({**state, **update}, context)
        told |= {m["tool_call_id"]: json.loads(m["content"]) for m in acted["messages"]}
        held = iter(update["request"].get("approvals", []))
        answers = [told.get(call["id"]) or _without_new_ids(next(held)["card"]) for call in numbered]
        for one in answers:
            self.cursor = (one.get("result") or {}).get("next_cursor") or self.cursor
        return answers

    def _filled(self, arguments: Any) -> Any:
        if isinstance(arguments, dict):
            return {key: self._filled(value) for key, value in arguments.items()}
        return self.cursor if arguments == CURSOR else arguments


CURSOR = "<the cursor of the last page>"


def _without_new_ids(card: dict[str, Any]) -> dict[str, Any]:
    changes = [{**c, "id": None} if c["operation"] == "create" else c for c in card["changes"]]
    return {"held": {**card, "changes": changes}}


class Attack:
    """Strategies for calls, made of the tools' own schemas and of everything worth stealing."""

    def __init__(self, config: DatabaseConfig, oracle: Oracle) -> None:
        self.oracle = oracle
        self.open_fields = {name: sorted(oracle.readable(name)) if oracle.rows[name] else [] for name in RECORDS}
        hidden = sorted(oracle.hidden_values())
        chance = random.Random(20_261_102)
        names, ids, numbers = [], [], []
        for name in RECORDS:
            rows = raw_rows(config, name.lower())
            for row in chance.sample(rows, min(len(rows), 12)):
                ids += [row["Id"], row["Id"][:15]]
                names += [str(row[f]) for f in ("Name", "LastName", "Subject", "Title", "Email") if row.get(f)]
                numbers += [str(row[f]) for f in ("CaseNumber", "OrderNumber", "ArticleNumber") if row.get(f)]
        seen = [one for name in ("Account", "Opportunity", "Case", "Contact") for one in sorted(oracle.visible(name))]
        self.ids = [*ids, *seen[:40], *seen[-20:], "003000000000000", "0" * 18]
        stolen = [text[:200] for text in chance.sample(hidden, min(len(hidden), 150))]
        self.words = [*names, *numbers, *stolen, *METACHARACTERS, *(text[:6] for text in stolen)]
        self.values = [*self.words, *self.ids, *AMOUNTS, *DAYS]

    def turns(self) -> st.SearchStrategy[tuple[str, list[dict[str, Any]]]]:
        """An agent and what the model has it call: mostly tools that it has, reading more often than writing."""
        tools = load_catalogue()
        known = {
            name: st.fixed_dictionaries({"name": st.just(name), "arguments": self._arguments(tool.schema)})
            for name, tool in tools.items()
        }
        junk = st.fixed_dictionaries(
            {"name": st.sampled_from([*tools, "", "delete_all", "__import__"]), "arguments": self._junk()}
        )

        def of_agent(agent: DomainAgent) -> st.SearchStrategy[tuple[str, list[dict[str, Any]]]]:
            usable = [t for t in agent.tools if t.for_customers or not self.oracle.is_customer]
            reading = [known[tool.name] for tool in usable if tool.effect == "READ"]
            rest = st.one_of(*(known[tool.name] for tool in agent.tools), *known.values(), junk)
            chosen = _mostly(st.one_of(*reading), rest, once_in=4 if self.oracle.is_customer else 2)
            return st.tuples(st.just(agent.name), st.lists(chosen, min_size=6, max_size=CALLS_AT_ONCE))

        return st.sampled_from(list(load_roster().values())).flatmap(of_agent)

    def _arguments(self, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
        parameters = schema["function"]["parameters"]
        return st.sampled_from(self._objects()).flatmap(
            lambda about: self._object(parameters, parameters.get("$defs", {}), about)
        )

    def _objects(self) -> list[str]:
        """Those that are worth most come up more often."""
        seen = [name for name in RECORDS if self.oracle.visible(name)]
        often = [name for name in ("Account", "Opportunity", "Case", "Contact") if name in seen]
        return [*RECORDS, *seen * (8 if self.oracle.is_customer else 2), *often]

    def _object(self, schema: dict[str, Any], defs: dict[str, Any], about: str) -> st.SearchStrategy[Any]:
        required = set(schema.get("required", ()))
        parts = {name: self._named(name, one, defs, about) for name, one in schema["properties"].items()}
        wanted = {name: one for name, one in parts.items() if name in required}
        rest = {name: one for name, one in parts.items() if name not in required}
        return st.fixed_dictionaries(wanted, optional=rest)

    def _named(self, name: str, schema: dict[str, Any], defs: dict[str, Any], about: str) -> st.SearchStrategy[Any]:
        """What the argument is for says more than its type."""
        fields = sorted(OBJECT_INFO[about].fields)
        hidden = sorted(set(fields) - set(self.open_fields[about]))
        unlikely = st.sampled_from([*(hidden or fields), *(hidden or fields), *FOREIGN_FIELDS])
        columns = _mostly(st.sampled_from(self.open_fields[about] or fields), unlikely, once_in=3)
        if name == "object":
            return _mostly(st.just(about), st.sampled_from(self.words))
        if name in ("fields", "group_by") and schema.get("type") != "object":
            parts = columns | st.builds("{}.{}".format, columns, st.sampled_from(DATE_PARTS))
            return st.none() | st.lists(parts if name == "group_by" else columns, max_size=4)
        if name == "fields":
            return st.dictionaries(columns, st.sampled_from(self.values) | self._junk(), min_size=1, max_size=4)
        if name == "field":
            return columns
        if name == "value":
            texts = [str(row[f])[:250] for row in self.oracle.rows[about][:20] for f in fields if row[f] is not None]
            return st.sampled_from([*(texts or ["x"]), *self.values]) | self._scalars() | st.lists(self._scalars())
        if name == "related":
            return st.lists(st.sampled_from([n for n, _ in OBJECT_INFO[about].children] or ["Case"]), max_size=2)
        if name == "objects":
            return st.none() | st.lists(st.sampled_from(sorted(OBJECT_INFO)), max_size=4)
        if name == "record_id":
            mine = [row["Id"] for row in self.oracle.rows[about][:60]]
            return st.sampled_from(mine or self.ids) | st.sampled_from(self.ids)
        if name == "cursor":
            return st.sampled_from([None, CURSOR, CURSOR, "", "e30=", "é" * 20, "MDpmb286w6k="])
        if name.endswith("_id"):
            return st.none() | st.sampled_from(self.ids)
        if name in ("since", "until", "due_date", "called_on", "created_since", "created_until"):
            return st.sampled_from([None, *DAYS])
        return _mostly(self._typed(schema, defs, about), self._junk())

    def _typed(self, schema: dict[str, Any], defs: dict[str, Any], about: str) -> st.SearchStrategy[Any]:
        if "$ref" in schema:
            return self._object(defs[schema["$ref"].rsplit("/", 1)[1]], defs, about)
        if "anyOf" in schema:
            return st.one_of(*(self._typed(one, defs, about) for one in schema["anyOf"]))
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        match schema.get("type"):
            case "integer":
                return st.integers(schema.get("minimum", 0), schema.get("maximum", 100))
            case "boolean":
                return st.booleans()
            case "null":
                return st.none()
            case "array":
                return st.lists(self._typed(schema["items"], defs, about), max_size=3)
            case _:
                return st.sampled_from(self.words)

    def _scalars(self) -> st.SearchStrategy[Any]:
        return st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)

    def _junk(self) -> st.SearchStrategy[Any]:
        odd = st.sampled_from([*self.values, "x" * 50_000, 10**5_000, float("nan"), "\ud800", "\x00", {1: 2}, [[[[]]]]])
        words = st.sampled_from(self.words) | st.text(max_size=20)
        return st.recursive(
            odd | self._scalars(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
            max_leaves=6,
        )


NO_JSON = [float("nan"), float("-inf"), 10**5_000, "\ud800"]
"""What parsers of JSON let through, or a careless client makes."""
METACHARACTERS = [
    "%", "_", "\\", "%%%", "' OR 1=1 --", '" OR "', "';DROP TABLE account;--", "NEAR(a b)", "name : x", "a* OR b*",
    "(", ")", "^a", "-a", '"', "AND", "NOT", "{", "$1", ":tenant", "%s", "é", "ß", "İ", "\u202e", "😀", "a", "Ac", " ",
]  # fmt: skip
FOREIGN_FIELDS = [
    "Amount", "tenant", "version", "Account.Name", "Owner.Email", "Id; --", "IsDeleted", "__class__", "metadata", "",
]  # fmt: skip
AMOUNTS = [0, 1, -1, 0.01, 1e15, 10**20, "1e999", "NaN", True, None, 2**31, "１２"]
DAYS = ["2026-11-02", "2026-01-01", "9999-12-31", "0001-01-01", "2026-13-45", "2026-W01-1", "٢٠٢٦-٠١-٠١", "2025-12-31"]


def _mostly(
    usual: st.SearchStrategy[Any], seldom: st.SearchStrategy[Any], *, once_in: int = 10
) -> st.SearchStrategy[Any]:
    return st.integers(1, once_in).flatmap(lambda n: seldom if n == once_in else usual)


@pytest.fixture
def seeded_pair(templates: Templates) -> Iterator[tuple[DatabaseConfig, DatabaseConfig]]:
    """Twice the same; one of them will be reduced."""
    templates.build("seeded", seed_small)
    with templates.copied("seeded") as whole, templates.copied("seeded") as copy:
        yield whole, copy


def attack(pair: tuple[DatabaseConfig, DatabaseConfig], who: str, *, sequences: int) -> Counter[str]:
    """Run that many sequences of calls on both databases; returns how many calls ended in which way."""
    whole, copy = pair
    oracle = Oracle(whole, *PEOPLE[who])
    plan = Attack(whole, oracle)
    oracle.reduce(copy)
    before = dump_records(whole), dump_records(copy)
    done: Counter[str] = Counter()
    with asyncio.Runner() as runner, opened(runner, whole, who) as left, opened(runner, copy, who) as right:

        @examples(
            max_examples=sequences,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(plan.turns())
        def compare(turn: tuple[str, list[dict[str, Any]]]) -> None:
            agent, calls = turn
            answers = [runner.run(desk.answer(agent, calls)) for desk in (left, right)]
            for call, one, other in zip(calls, *answers, strict=True):
                assert one == other, call
                ending = "held" if "held" in one else "answered" if one["ok"] else one["error"]["kind"]
                assert ending in ENDINGS, one
                done[ending] += 1

        compare()
    assert (dump_records(whole), dump_records(copy)) == before
    return done


@contextmanager
def opened(runner: asyncio.Runner, config: DatabaseConfig, who: str) -> Iterator[Desk]:
    """A desk that a synchronous test can use; hypothesis does not run coroutines."""
    database = Database(config)
    try:
        yield runner.run(load_desk(database, who))
    finally:
        runner.run(database.close())


async def load_desk(database: Database, who: str) -> Desk:
    tenant, person = PEOPLE[who]
    async with database.session(TenantId(tenant)) as session:
        return Desk(database, await load_principal(session, person, ALL_SCOPES))


@pytest.mark.slow
@pytest.mark.parametrize("who", PEOPLE)
def test_no_call_learns_or_changes_anything_hidden(
    seeded_pair: tuple[DatabaseConfig, DatabaseConfig], who: str, thorough: bool
) -> None:
    sequences = 300 if thorough else 8
    endings = attack(seeded_pair, who, sequences=sequences)
    assert endings.total() > 6 * sequences
    assert endings["answered"] > sequences, endings


@pytest.mark.parametrize("who", PEOPLE)
async def test_the_oracle_and_the_service_see_the_same(
    seeded_config: DatabaseConfig, seeded: Database, who: str
) -> None:
    """Not more and not less: a service that showed nothing would pass the attack."""
    oracle = Oracle(seeded_config, *PEOPLE[who])
    desk = await load_desk(seeded, who)
    access = desk.principal.access
    async with seeded.session(desk.principal.tenant) as session:
        crm = desk.desk.crm_for(session, desk.principal, NOW)
        for name in RECORDS:
            if oracle.rows[name]:
                assert set(access.readable(name)) == oracle.readable(name), name
            found = {one for one in oracle.records[name] if access.may("read", name) and await _can_get(crm, name, one)}
            assert found == oracle.visible(name), name


async def _can_get(crm: Any, name: str, record_id: str) -> bool:
    try:
        await crm.get(name, record_id, ["Id"])
    except RecordNotFoundError:
        return False
    return True


LOGINS = {
    "sales rep": "dana@northwind.example",
    "service agent": "sam@northwind.example",
    "analyst": "alan@northwind.example",
    "marketing": "iris@northwind.example",
    "customer": ANN_POE.email,
    "sales rep of the other tenant": "dana@southridge.example",
}
ASKS = ("show my open deals", "list the open cases", "how many accounts are there?", "find campaign members", "hello")


def hostile_model(config: DatabaseConfig, oracle: Oracle, seed: int) -> AdversarialModel:
    plan = Attack(config, oracle)
    arguments = {name for tool in load_catalogue().values() for name in tool.arguments.model_fields}
    fields = {name for about in ("Account", "Opportunity", "Case", "Contact") for name in OBJECT_INFO[about].fields}
    return AdversarialModel(
        seed=seed,
        tools=[*load_catalogue(), *load_catalogue(), "delete_all", ""],
        spoils=[*plan.values, *RECORDS, *RECORDS, *sorted(fields), "x" * 10_000, *NO_JSON],
        arguments=[*sorted(arguments), *sorted(arguments), *sorted(fields)[:30]],
    )


def strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for pair in value.items():
            yield from (text for one in pair for text in strings_in(one))
    elif isinstance(value, list):
        for one in value:
            yield from strings_in(one)
    elif isinstance(value, str):
        yield value


def secrets_for(oracle: Oracle, model: AdversarialModel) -> list[str]:
    """What stands in hidden places only and is long enough to be told, unless the model itself was given it.

    A plain day is no secret: any visible instant of that day begins with the same ten characters.
    """
    given_away = "\n".join(strings_in([*model.spoils, *ASKS]))
    hidden = (text for text in oracle.hidden_values() if len(text) > 9 and not re.fullmatch(r"\d{4}-\d\d-\d\d", text))
    return sorted(text for text in hidden if text not in given_away)


async def converse(world: World, login: str, text: str, thread: str) -> str:
    """Everything that a turn streams and leaves behind, as text."""
    body = message(text, stream_mode=["values", "updates", "messages-tuple", "custom"])
    streamed = await world.call(login, "POST", f"/threads/{thread}/runs/stream", json=body)
    assert streamed.status_code == 200, streamed.text
    assert "event: error" not in streamed.text, streamed.text[-2_000:]
    state = await world.get(login, f"/threads/{thread}/state")
    history = await world.call(login, "POST", f"/threads/{thread}/history", json={"limit": 20})
    runs = await world.get(login, f"/threads/{thread}/runs")
    assert runs[0]["status"] in ("success", "interrupted"), runs[0]
    return "\n".join([streamed.text, json.dumps(state, ensure_ascii=False), history.text])


async def besiege(settings: Settings, config: DatabaseConfig, who: str, *, seeds: range) -> None:
    oracle = Oracle(config, *PEOPLE[who])
    before = dump_records(config)
    for seed in seeds:
        model = hostile_model(config, oracle, seed)
        secrets = secrets_for(oracle, model)
        assert len(secrets) > 100
        async with open_world(settings, model=model) as world:
            thread = await world.open_thread(LOGINS[who])
            for text in random.Random(seed).sample(ASKS, 3):
                told = await converse(world, LOGINS[who], text, thread)
                assert [secret for secret in secrets if secret in told] == []
    assert dump_records(config) == before
    assert raw_rows(config, "ledger_entry") == []


@pytest.mark.slow
@pytest.mark.parametrize("who", LOGINS)
async def test_whole_conversations_end_and_tell_and_change_nothing_hidden(
    settings: Settings, seeded_config: DatabaseConfig, who: str, thorough: bool
) -> None:
    await besiege(settings, seeded_config, who, seeds=range(30 if thorough else 1))
