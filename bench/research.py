"""`python -m bench.research`: research against the single agent, on the same accounts, side by side.

Facts are what the records hold: the filled fields of an account, of what belongs to it, and of what belongs to that, as
far as the person may see them. A fact counts as told if the answer names its record and says its value, in whatever
form. The single agent is asked once for a brief, and in a second column as often as somebody would who wants it all.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from api.settings import Settings
from api.wiring import Service, open_service
from bench.databases import open_postgresql, open_sqlite
from crm.connector import Filter, Query, Row, Sort
from crm.database import DatabaseConfig
from crm.fields import Kind
from crm.repositories.records import EmbeddedCrm
from crm.schema import OBJECT_INFO
from graphs.conversations import Ask
from graphs.messages import text_of
from trust.principal import Principal

USER = "mara@northwind.example"
ONE = ("summarise {name}",)
MANY = (
    "summarise {name}",
    "show the contacts of {name}",
    "show the opportunities of {name}",
    "show all cases of {name}",
    "show the contracts of {name}",
    "show the orders of {name}",
    "show the quotes of {name}",
    "what happened with {name} in the last year",
)
_BOOKKEEPING = frozenset(
    "Id OwnerId CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp IsDeleted".split()
)
_UNTOLD = frozenset({Kind.ID, Kind.REFERENCE, Kind.BOOLEAN, Kind.LONG_TEXT, Kind.DATETIME})
_LONGEST = 60


@dataclass(frozen=True)
class Fact:
    """One value of one record. `names`: what the record may be called, any of which will do."""

    names: tuple[str, ...]
    forms: tuple[str, ...]

    def is_told_in(self, answer: str) -> bool:
        return any(name in answer for name in self.names) and any(form in answer for form in self.forms)


@dataclass(frozen=True)
class Score:
    """How much of what there is was told, and how long that took."""

    told: int
    seconds: float


async def gather_facts(crm: EmbeddedCrm, account: Row) -> list[Fact]:
    """Of the account, its children and their children."""
    facts = list(_facts_of("Account", account))
    for child, reference in OBJECT_INFO["Account"].children:
        rows = await _rows(crm, child, reference, [account["Id"]])
        facts += [fact for row in rows for fact in _facts_of(child, row)]
        for grandchild, inner in OBJECT_INFO[child].children:
            if rows and inner in OBJECT_INFO[grandchild].record_type.parents:
                below = await _rows(crm, grandchild, inner, [row["Id"] for row in rows])
                facts += [fact for row in below for fact in _facts_of(grandchild, row)]
    return list(dict.fromkeys(facts))


async def _rows(crm: EmbeddedCrm, kind: str, reference: str, ids: Sequence[str]) -> list[Row]:
    if not crm.access.may("read", kind) or not crm.access.can_read(kind, reference):
        return []
    query = Query(kind, None, [Filter(reference, "in", list(ids)[:200])], [Sort("CreatedDate", True)], limit=200)
    return (await crm.query(query)).records


def _facts_of(kind: str, row: Row) -> Iterator[Fact]:
    info = OBJECT_INFO[kind]
    title = " ".join(str(row[field]) for field in info.name_fields if field != "Id" and row.get(field))
    names = tuple(_plain(one) for one in (row["Id"], title) if one)
    for field, value in row.items():
        if field in _BOOKKEEPING or value in (None, "") or info.fields[field].kind in _UNTOLD:
            continue
        yield Fact(names, tuple(_plain(form) for form in _forms(value, info.fields[field].kind)))


def _forms(value: Any, kind: Kind) -> list[str]:
    """How a value may be written."""
    if kind is Kind.DATE:
        day = date.fromisoformat(value)
        words = [day.strftime(form) for form in ("%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y")]
        return [value, *words, *(one.replace(" 0", " ").removeprefix("0") for one in words)]
    if isinstance(value, int | float):
        short = f"{value:,.2f}".rstrip("0").rstrip(".")
        return [str(value), f"{value:,}", f"{value:,.2f}", f"{value:.2f}", short]
    return [str(value)[:_LONGEST]]


def _plain(text: str) -> str:
    return " ".join(text.replace("\\", "").split()).casefold()


async def ask(service: Service, principal: Principal, asks: Sequence[Ask]) -> tuple[str, float]:
    """Everything that was answered in one conversation, and the seconds that it took."""
    thread = await service.conversations.create_thread(principal, None, {})
    began, said = time.perf_counter(), []
    for one in asks:
        run = await service.conversations.ask(principal, thread.thread_id, one)
        values: dict[str, Any] = {}
        async for event in service.runner.follow(principal.tenant, run.run_id):
            values = event.data if event.name == "values" else values
        said.append(text_of(values["messages"][-1]))
    return _plain("\n".join(said)), time.perf_counter() - began


async def compare(config: DatabaseConfig, folder: Path, accounts: int) -> None:
    settings = Settings(
        mode="development",
        dev_login=True,
        data_dir=folder,
        database_url=config.url,
        context_key=None if config.context_key is None else config.context_key.decode(),
    )
    async with open_service(settings) as service:
        _, principal = await service.authenticator.login_for_development(USER, None)
        totals: dict[str, list[tuple[int, Score]]] = {"one turn": [], f"{len(MANY)} turns": [], "research": []}
        print(f"{'account':<28}{'facts':>6}" + "".join(f"{name + '  told':>18}{'s':>7}" for name in totals))
        for name, facts in await _choose(service, principal, accounts):
            asked = {
                "one turn": [Ask(text.format(name=name)) for text in ONE],
                f"{len(MANY)} turns": [Ask(text.format(name=name)) for text in MANY],
                "research": [Ask(None, assistant="research", given={"about": name, "question": None, "workers": 12})],
            }
            line = f"{name[:27]:<28}{len(facts):>6}"
            for way, asks in asked.items():
                answer, seconds = await ask(service, principal, asks)
                score = Score(sum(fact.is_told_in(answer) for fact in facts), seconds)
                totals[way].append((len(facts), score))
                line += f"{score.told:>11}{score.told / len(facts):>7.0%}{score.seconds:>7.1f}"
            print(line)
        print(f"{'all, and median seconds':<28}{sum(count for count, _ in totals['research']):>6}", end="")
        for scores in totals.values():
            told, count = sum(score.told for _, score in scores), sum(count for count, _ in scores)
            print(f"{told:>11}{told / count:>7.0%}{statistics.median(s.seconds for _, s in scores):>7.1f}", end="")
        print()


async def _choose(service: Service, principal: Principal, accounts: int) -> list[tuple[str, list[Fact]]]:
    """The accounts of which the records hold most, among those of a name of their own."""
    async with service.database.session(principal.tenant) as session:
        crm = service.runner.desk.crm_for(session, principal, service.runner.clock())
        rows = (await crm.query(Query("Account", None, [], [Sort("CreatedDate")], limit=40))).records
        full = [await crm.get("Account", row["Id"]) for row in rows]
        found = [(str(row["Name"]), await gather_facts(crm, row)) for row in full]
    return sorted(found, key=lambda one: -len(one[1]))[:accounts]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare research with the single agent: facts told, and seconds.")
    parser.add_argument("--accounts", type=int, default=6)
    parser.add_argument("--factor", type=float, default=0.3, help="size of the seeded data")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL in place of SQLite")
    arguments = parser.parse_args()
    opened = open_postgresql if arguments.postgresql else open_sqlite
    with opened(arguments.factor) as config, tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare(config, Path(folder), arguments.accounts))


if __name__ == "__main__":
    main()
