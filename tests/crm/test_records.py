"""The embedded CRM: queries and sums that equal plain Python's on both databases, and writes that are whole or none."""

import base64
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import pytest

from crm.connector import Aggregate, Change, FieldChange, Filter, Query, Sort
from crm.errors import (
    CrmError,
    CursorError,
    FieldError,
    ObjectRightError,
    RecordNotFoundError,
    StaleError,
    TenantContextError,
)
from crm.fields import to_json
from crm.ids import new_id
from crm.repositories.records import EmbeddedCrm
from tests.crm.stage import GLOBEX, KEY, NOW, Stage, id_of, make, user

TEXTS = [
    "Alpha", "alpha", "ALPHABET", "beta", "50% off", "50x off", "a_b", "aXb", "back\\slash", "O'Brien", "Café", "CAFÉ",
    "日本", "😀", " lead", "x;--", 'say "hi"', "NULL", None,
]  # fmt: skip
AMOUNTS = ["0", "0.01", "-5", "10.10", "10.1", "999999999999999.99", "33.33", "100", None]
DAYS = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 3, 31), date(2026, 4, 1), date(2026, 2, 28), date(2024, 2, 29)]
INSTANTS = [
    datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2026, 1, 1, 0, 0, 0, tzinfo=UTC),
    datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2026, 4, 1, tzinfo=UTC),
    datetime(2026, 6, 30, 12, 0, 1, tzinfo=UTC),
    datetime(2024, 2, 29, 6, tzinfo=UTC),
]
COUNT = 19


def rows() -> list[dict[str, Any]]:
    """One opportunity per text; the other fields take turns."""
    found = []
    for number, text in enumerate(TEXTS):
        amount = AMOUNTS[number % len(AMOUNTS)]
        found.append(
            {
                "NextStep": text,
                "Amount": None if amount is None else Decimal(amount),
                "CloseDate": DAYS[number % len(DAYS)],
                "CreatedDate": INSTANTS[number % len(INSTANTS)],
                "IsWon": number % 3 == 0,
                "StageName": ("Discovery", "Quote")[number % 2],
                "AccountId": id_of("Account", ("rita", "ed")[number % 2]) if number % 5 else None,
            }
        )
    return found


ROWS = rows()


@pytest.fixture
async def filled(stage: Stage) -> Stage:
    """Max's own opportunities; those of the other tenant stand at other amounts."""
    for here in (stage, Stage(stage.database, GLOBEX)):
        for number, row in enumerate(ROWS):
            other = {} if here.tenant == stage.tenant else {"Amount": Decimal(1_000_000)}
            await here.add(make("Opportunity", f"max {number}", owner="max", **{**row, **other}))
    return stage


MINE = Filter("OwnerId", "eq", user("max"))


async def numbers(crm: EmbeddedCrm, *filters: Filter, sort: tuple[Sort, ...] = ()) -> list[int]:
    page = await crm.query(Query("Opportunity", ["Name"], [MINE, *filters], sort, limit=200))
    assert page.total == len(page.records)
    return [int(row["Name"].removeprefix("max ")) for row in page.records]


def expect(field: str, holds: Callable[[Any], bool], *, nulls: bool = False) -> list[int]:
    return [n for n, row in enumerate(ROWS) if (nulls if row[field] is None else holds(row[field]))]


def by_day(comparison: str, than: str) -> list[int]:
    compare = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}[comparison]
    return expect("CreatedDate", lambda value: compare(value.date().isoformat(), than))


FILTERS: list[tuple[str, Filter, list[int]]] = [
    ("text eq", Filter("NextStep", "eq", "aLpHa"), expect("NextStep", lambda v: v.lower() == "alpha")),
    ("text ne", Filter("NextStep", "ne", "ALPHA"), expect("NextStep", lambda v: v.lower() != "alpha", nulls=True)),
    ("text of other letters", Filter("NextStep", "eq", "日本"), expect("NextStep", lambda v: v == "日本")),
    ("quote", Filter("NextStep", "eq", "O'Brien"), expect("NextStep", lambda v: v == "O'Brien")),
    ("injection", Filter("NextStep", "eq", "' OR 1=1 --"), []),
    ("contains", Filter("NextStep", "contains", "PHA"), expect("NextStep", lambda v: "pha" in v.lower())),
    ("percent is a letter", Filter("NextStep", "contains", "0%"), expect("NextStep", lambda v: "0%" in v)),
    ("underscore is a letter", Filter("NextStep", "contains", "a_"), expect("NextStep", lambda v: "a_" in v)),
    ("backslash is a letter", Filter("NextStep", "contains", "k\\s"), expect("NextStep", lambda v: "k\\s" in v)),
    ("slash is a letter", Filter("NextStep", "contains", "/"), []),
    ("starts", Filter("NextStep", "starts_with", "ALPHA"), expect("NextStep", lambda v: v.lower()[:5] == "alpha")),
    ("starts with percent", Filter("NextStep", "starts_with", "%"), []),
    ("in", Filter("NextStep", "in", ["BETA", "日本"]), expect("NextStep", lambda v: v in ("beta", "日本"))),
    ("null", Filter("NextStep", "is_null", True), expect("NextStep", lambda v: False, nulls=True)),
    ("not null", Filter("NextStep", "is_null", False), expect("NextStep", lambda v: True)),
    ("eq nothing", Filter("NextStep", "eq", None), expect("NextStep", lambda v: False, nulls=True)),
    ("ne nothing", Filter("NextStep", "ne", None), expect("NextStep", lambda v: True)),
    ("money eq", Filter("Amount", "eq", 10.1), expect("Amount", lambda v: v == Decimal("10.1"))),
    ("money eq text", Filter("Amount", "eq", "10.10"), expect("Amount", lambda v: v == Decimal("10.1"))),
    ("money ne", Filter("Amount", "ne", 0), expect("Amount", lambda v: v != 0, nulls=True)),
    ("money lt", Filter("Amount", "lt", 0.01), expect("Amount", lambda v: v < Decimal("0.01"))),
    ("money le", Filter("Amount", "le", 0.01), expect("Amount", lambda v: v <= Decimal("0.01"))),
    ("money gt", Filter("Amount", "gt", 100), expect("Amount", lambda v: v > 100)),
    ("money ge", Filter("Amount", "ge", 100), expect("Amount", lambda v: v >= 100)),
    ("money in", Filter("Amount", "in", [0, 100]), expect("Amount", lambda v: v in (0, 100))),
    ("day eq", Filter("CloseDate", "eq", "2026-01-01"), expect("CloseDate", lambda v: v == date(2026, 1, 1))),
    ("day lt", Filter("CloseDate", "lt", "2026-01-01"), expect("CloseDate", lambda v: v < date(2026, 1, 1))),
    ("day ge", Filter("CloseDate", "ge", "2026-04-01"), expect("CloseDate", lambda v: v >= date(2026, 4, 1))),
    (
        "whole day eq",
        Filter("CreatedDate", "eq", "2025-12-31"),
        by_day("==", "2025-12-31"),
    ),
    (
        "whole day ne",
        Filter("CreatedDate", "ne", "2025-12-31"),
        by_day("!=", "2025-12-31"),
    ),
    ("whole day lt", Filter("CreatedDate", "lt", "2026-01-01"), by_day("<", "2026-01-01")),
    (
        "whole day le",
        Filter("CreatedDate", "le", "2026-03-31"),
        by_day("<=", "2026-03-31"),
    ),
    ("whole day gt", Filter("CreatedDate", "gt", "2026-03-31"), by_day(">", "2026-03-31")),
    (
        "whole day ge",
        Filter("CreatedDate", "ge", "2026-04-01"),
        by_day(">=", "2026-04-01"),
    ),
    (
        "instant",
        Filter("CreatedDate", "ge", "2026-03-31T23:59:59Z"),
        expect("CreatedDate", lambda v: v >= INSTANTS[2]),
    ),
    (
        "instant of another zone",
        Filter("CreatedDate", "eq", "2026-01-01T02:00:00+02:00"),
        expect("CreatedDate", lambda v: v == INSTANTS[1]),
    ),
    ("boolean", Filter("IsWon", "eq", True), expect("IsWon", lambda v: v)),
    ("boolean as text", Filter("IsWon", "ne", "true"), expect("IsWon", lambda v: not v)),
    ("picklist", Filter("StageName", "eq", "QUOTE"), expect("StageName", lambda v: v == "Quote")),
    (
        "reference of 15",
        Filter("AccountId", "eq", id_of("Account", "rita")[:15]),
        expect("AccountId", lambda v: v == id_of("Account", "rita")),
    ),
]


class TestFilters:
    async def test_every_comparison_of_every_kind(self, filled: Stage) -> None:
        async with filled.crm("max") as crm:
            for name, one, expected in FILTERS:
                assert sorted(await numbers(crm, one)) == expected, name

    async def test_filters_are_joined_by_and(self, filled: Stage) -> None:
        async with filled.crm("max") as crm:
            found = await numbers(crm, Filter("IsWon", "eq", True), Filter("Amount", "gt", 0))
        assert sorted(found) == [n for n, r in enumerate(ROWS) if r["IsWon"] and r["Amount"] and r["Amount"] > 0]

    @pytest.mark.parametrize(
        "one",
        [
            Filter("NextStep", "lt", "x"),
            Filter("IsWon", "gt", True),
            Filter("Amount", "contains", "1"),
            Filter("CloseDate", "starts_with", "2026"),
            Filter("Amount", "eq", "much"),
            Filter("Amount", "lt", None),
            Filter("CloseDate", "eq", "soon"),
            Filter("CreatedDate", "eq", "9999-12-31"),
            Filter("CreatedDate", "eq", "2026-13-01"),
            Filter("NextStep", "in", []),
            Filter("NextStep", "in", "text"),
            Filter("NextStep", "in", ["x"] * 201),
            Filter("NextStep", "is_null", "perhaps"),
            Filter("NextStep", "contains", ""),
            Filter("NextStep", "contains", "x\x00"),
            Filter("NextStep", "contains", "\ud800"),
            Filter("NextStep", "contains", 5),
            Filter("AccountId", "eq", "nobody"),
            Filter("IsWon", "eq", "perhaps"),
            Filter("NoSuch", "eq", 1),
            Filter("version", "eq", 1),
            Filter("tenant", "eq", "globex"),
        ],
        ids=lambda one: f"{one.field} {one.op} {str(one.value)[:20]!r}",
    )
    async def test_a_comparison_without_sense_names_its_field(self, stage: Stage, one: Filter) -> None:
        async with stage.crm("max") as crm:
            for attempt in (
                lambda: crm.query(Query("Opportunity", filters=[one])),
                lambda: crm.aggregate(Aggregate("Opportunity", filters=[one])),
            ):
                with pytest.raises(FieldError) as caught:
                    await attempt()
                assert caught.value.field == one.field

    async def test_there_is_an_end_to_filters(self, stage: Stage) -> None:
        async with stage.crm("max") as crm:
            with pytest.raises(FieldError):
                await crm.query(Query("Account", filters=[Filter("Name", "ne", "x")] * 21))


class TestSorting:
    @pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
    @pytest.mark.parametrize("field", ["Amount", "CloseDate", "CreatedDate", "IsWon", "NextStep"])
    async def test_nothing_comes_last_both_ways_and_ids_break_ties(
        self, filled: Stage, field: str, descending: bool
    ) -> None:
        ids = [id_of("Opportunity", f"max {n}") for n in range(COUNT)]
        kept = [n for n in range(COUNT) if (ROWS[n][field] or "").isascii()] if field == "NextStep" else range(COUNT)

        def key(number: int) -> Any:
            value = ROWS[number][field]
            return value.lower() if isinstance(value, str) else value

        known = sorted((n for n in kept if ROWS[n][field] is not None), key=lambda n: ids[n])
        known.sort(key=key, reverse=descending)
        unknown = sorted((n for n in kept if ROWS[n][field] is None), key=lambda n: ids[n])
        async with filled.crm("max") as crm:
            found = await numbers(crm, sort=(Sort(field, descending),))
        assert [n for n in found if n in set(kept)] == known + unknown


class TestPaging:
    async def test_pages_have_every_record_once(self, filled: Stage) -> None:
        async with filled.crm("max") as crm:
            for size in (1, 4, 19, 50):
                seen, cursor = [], None
                while True:
                    page = await crm.query(
                        Query("Opportunity", ["Name"], [MINE], [Sort("StageName")], limit=size, cursor=cursor)
                    )
                    assert page.total == COUNT
                    seen += [row["Id"] for row in page.records]
                    cursor = page.next_cursor
                    if cursor is None:
                        break
                assert len(seen) == len(set(seen)) == COUNT

    async def test_a_page_has_at_least_one_record_and_an_end(self, filled: Stage) -> None:
        async with filled.crm("max") as crm:
            for limit, expected in ((0, 1), (-5, 1), (10_000, COUNT)):
                assert len((await crm.query(Query("Opportunity", filters=[MINE], limit=limit))).records) == expected

    async def test_a_cursor_is_good_for_its_query_and_its_holder_only(self, filled: Stage) -> None:
        query = Query("Opportunity", ["Name"], [MINE], [Sort("Name")], limit=5)
        async with filled.crm("max") as crm:
            cursor = (await crm.query(query)).next_cursor
            assert (await crm.query(Query(**{**query.__dict__, "cursor": cursor, "limit": 3}))).records
            changed: list[dict[str, Any]] = [
                {"object_name": "Account", "filters": [], "sort": []},
                {"filters": []},
                {"filters": [MINE, MINE]},
                {"filters": [Filter("OwnerId", "ne", user("max"))]},
                {"sort": [Sort("Name", True)]},
                {"sort": []},
            ]
            for change in changed:
                with pytest.raises(CursorError):
                    await crm.query(Query(**{**query.__dict__, "cursor": cursor, **change}))
        for here, who in ((filled, "vera"), (Stage(filled.database, GLOBEX), "max")):
            async with here.crm(who) as crm:
                with pytest.raises(CursorError):
                    await crm.query(Query(**{**query.__dict__, "cursor": cursor}))

    @pytest.mark.parametrize(
        "forge",
        [
            lambda offset, print_, mac: f"{int(offset) + 1}:{print_}:{mac}",
            lambda offset, print_, mac: f"0:{print_}:{mac}",
            lambda offset, print_, mac: f"{offset}:{print_}:{'0' * len(mac)}",
            lambda offset, print_, mac: f"{offset}:{print_}:",
            lambda offset, print_, mac: f"{offset}:{print_}:é",
            lambda offset, print_, mac: f"{offset}:{print_}",
            lambda offset, print_, mac: f"{offset}:{print_}:{mac}:{mac}",
            lambda offset, print_, mac: "",
        ],
    )
    async def test_a_cursor_made_by_hand_is_refused(self, filled: Stage, forge: Any) -> None:
        query = Query("Opportunity", filters=[MINE], limit=5)
        async with filled.crm("max") as crm:
            cursor = (await crm.query(query)).next_cursor or ""
            forged = base64.urlsafe_b64encode(forge(*base64.urlsafe_b64decode(cursor).decode().split(":")).encode())
            with pytest.raises(CursorError):
                await crm.query(Query(**{**query.__dict__, "cursor": forged.decode()}))

    @pytest.mark.parametrize("cursor", ["", "x", "é", "%%%%", "A" * 5_000, "gIA=", "\x00"])
    async def test_what_was_never_a_cursor_is_refused(self, stage: Stage, cursor: str) -> None:
        async with stage.crm("max") as crm:
            with pytest.raises(CursorError):
                await crm.query(Query("Account", cursor=cursor))

    async def test_another_key_signs_other_cursors(self, filled: Stage) -> None:
        query = Query("Opportunity", filters=[MINE], limit=5)
        async with filled.crm("max") as crm:
            cursor = (await crm.query(query)).next_cursor
            other = EmbeddedCrm(crm.session, crm.access, NOW, KEY[::-1])
            with pytest.raises(CursorError):
                await other.query(Query(**{**query.__dict__, "cursor": cursor}))


def measured(function: str, values: list[Any]) -> Any:
    match function:
        case "count":
            return len(values)
        case "sum":
            return sum(values) if values else None
        case "avg":
            return sum(values) / len(values) if values else None
        case "min":
            return min(values, default=None)
        case _:
            return max(values, default=None)


def part_of(value: date, part: str) -> str:
    return {
        "year": f"{value:%Y}",
        "quarter": f"{value:%Y}-Q{(value.month + 2) // 3}",
        "month": f"{value:%Y-%m}",
        "day": f"{value:%Y-%m-%d}",
    }[part]


class TestAggregates:
    @pytest.mark.parametrize("function", ["count", "sum", "avg", "min", "max"])
    async def test_equal_to_plain_python(self, filled: Stage, function: Any) -> None:
        async with filled.crm("max") as crm:
            whole = await crm.aggregate(Aggregate("Opportunity", function, "Amount", filters=[MINE]))
            grouped = await crm.aggregate(
                Aggregate("Opportunity", function, "Amount", ["StageName", "IsWon"], [MINE], limit=200)
            )
        amounts = [row["Amount"] for row in ROWS if row["Amount"] is not None]
        assert whole.groups[0].value == pytest.approx(float(measured(function, amounts)), rel=1e-12)
        assert whole.rows == whole.groups[0].rows == COUNT
        expected: dict[Any, list[Any]] = defaultdict(list)
        for row in ROWS:
            expected[row["StageName"], row["IsWon"]].append(row["Amount"])
        assert {tuple(g.key.values()): g.rows for g in grouped.groups} == {k: len(v) for k, v in expected.items()}
        for group in grouped.groups:
            values = [v for v in expected[tuple(group.key.values())] if v is not None]
            assert group.value == pytest.approx(float(measured(function, values)), rel=1e-12)

    async def test_sums_are_exact_to_the_cent(self, stage: Stage) -> None:
        await stage.add(*(make("Opportunity", f"cent {n}", owner="max", Amount=Decimal("0.1")) for n in range(3)))
        async with stage.crm("max") as crm:
            found = await crm.aggregate(Aggregate("Opportunity", "sum", "Amount", filters=[MINE]))
        assert json.dumps(found.groups[0].value) == "0.3"

    @pytest.mark.parametrize("part", ["year", "quarter", "month", "day"])
    @pytest.mark.parametrize("field", ["CloseDate", "CreatedDate"])
    async def test_groups_by_parts_of_dates_are_those_of_utc(self, filled: Stage, field: str, part: str) -> None:
        async with filled.crm("max") as crm:
            found = await crm.aggregate(Aggregate("Opportunity", group_by=[f"{field}.{part}"], filters=[MINE]))
        expected: dict[str, int] = defaultdict(int)
        for row in ROWS:
            expected[part_of(row[field], part)] += 1
        assert {group.key[f"{field}.{part}"]: group.value for group in found.groups} == expected

    @pytest.mark.parametrize("descending", [False, True])
    async def test_groups_come_in_order_of_their_measure_and_empty_ones_last(
        self, stage: Stage, descending: bool
    ) -> None:
        for number, amount in enumerate((5, None, 7, None, 1)):
            await stage.add(make("Opportunity", f"o {number}", owner="max", Amount=amount, NextStep=f"s{number}"))
        async with stage.crm("max") as crm:
            found = await crm.aggregate(
                Aggregate("Opportunity", "sum", "Amount", ["NextStep"], [MINE], descending=descending)
            )
        values = [7, 5, 1] if descending else [1, 5, 7]
        assert [group.value for group in found.groups] == [*values, None, None]

    async def test_rows_count_what_is_past_the_limit(self, filled: Stage) -> None:
        async with filled.crm("max") as crm:
            found = await crm.aggregate(Aggregate("Opportunity", group_by=["NextStep"], filters=[MINE], limit=2))
        assert (len(found.groups), found.rows) == (2, COUNT)

    async def test_a_sum_covers_only_what_the_caller_sees(self, filled: Stage) -> None:
        await filled.set_sharing(Opportunity="Private")
        async with filled.crm("rita") as crm:
            found = await crm.aggregate(Aggregate("Opportunity", "max", "Amount"))
        assert (found.rows, found.groups[0].value) == (1, None)
        async with filled.crm("vera") as crm:
            assert (await crm.aggregate(Aggregate("Opportunity"))).rows == COUNT + 7

    @pytest.mark.parametrize(
        ("question", "field"),
        [
            (Aggregate("Opportunity", "sum", "NextStep"), "NextStep"),
            (Aggregate("Opportunity", "avg", "CloseDate"), "CloseDate"),
            (Aggregate("Opportunity", "max", "NextStep"), "NextStep"),
            (Aggregate("Opportunity", "sum"), "field"),
            (Aggregate("Opportunity", group_by=["Description"]), "Description"),
            (Aggregate("Opportunity", group_by=["Amount.month"]), "Amount.month"),
            (Aggregate("Opportunity", group_by=["CloseDate.hour"]), "CloseDate.hour"),
            (Aggregate("Opportunity", group_by=["CloseDate.month.day"]), "CloseDate.month.day"),
            (Aggregate("Opportunity", group_by=["tenant"]), "tenant"),
        ],
    )
    async def test_a_question_without_sense_names_its_field(
        self, stage: Stage, question: Aggregate, field: str
    ) -> None:
        async with stage.crm("max") as crm:
            with pytest.raises(FieldError) as caught:
                await crm.aggregate(question)
        assert caught.value.field == field


async def apply(stage: Stage, key: str, change: Change) -> Any:
    async with stage.crm(key, write=True) as crm:
        return await crm.apply(change)


async def create(stage: Stage, key: str, object_name: str, **fields: Any) -> Any:
    async with stage.crm(key, write=True) as crm:
        return await crm.apply(await crm.propose_create(object_name, fields))


async def update(stage: Stage, key: str, object_name: str, record_id: str, **fields: Any) -> Any:
    async with stage.crm(key, write=True) as crm:
        return await crm.apply(await crm.propose_update(object_name, record_id, fields))


async def get(stage: Stage, object_name: str, record_id: str) -> Any:
    async with stage.crm("max") as crm:
        return await crm.get(object_name, record_id)


class TestCreate:
    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({}, "Name"),
            ({"Name": ""}, "Name"),
            ({"Name": None}, "Name"),
            ({"Name": "x" * 256}, "Name"),
            ({"Name": "x", "Fax": "1"}, "Fax"),
            ({"Name": "x", "tenant": "globex"}, "tenant"),
            ({"Name": "x", "version": 5}, "version"),
            ({"Name": "x", "Id": "001000000000001"}, "Id"),
            ({"Name": "x", "CreatedDate": "2020-01-01T00:00:00Z"}, "CreatedDate"),
            ({"Name": "x", "CreatedById": user("boss")}, "CreatedById"),
            ({"Name": "x", "IsDeleted": True}, "IsDeleted"),
            ({"Name": "x", "AnnualRevenue": "much"}, "AnnualRevenue"),
            ({"Name": "x", "OwnerId": "nobody"}, "OwnerId"),
            ({"Name": "x", "OwnerId": id_of("Account", "rita")}, "OwnerId"),
            ({"Name": "x", "ParentId": id_of("Account", "ed")}, "ParentId"),
            ({"Name": "x", "ParentId": new_id("001")}, "ParentId"),
        ],
    )
    async def test_what_is_wrong_is_named(self, stage: Stage, fields: dict[str, Any], field: str) -> None:
        async with stage.crm("rita") as crm:
            with pytest.raises(FieldError) as caught:
                await crm.propose_create("Account", fields)
        assert caught.value.field == field

    async def test_a_hidden_record_and_none_are_refused_in_the_same_words(self, stage: Stage) -> None:
        await Stage(stage.database, GLOBEX).add(make("Account", "only there", owner="rita"))
        told = set()
        async with stage.crm("rita") as crm:
            for parent in (id_of("Account", "ed"), new_id("001"), id_of("Account", "only there")):
                for attempt in (
                    lambda p=parent: crm.propose_create("Account", {"Name": "x", "ParentId": p}),
                    lambda p=parent: crm.propose_update("Account", id_of("Account", "rita"), {"ParentId": p}),
                ):
                    with pytest.raises(FieldError) as caught:
                        await attempt()
                    told.add(str(caught.value))
            assert await crm.propose_create("Account", {"Name": "x", "ParentId": id_of("Account", "rita")})
        assert told == {"ParentId: there is no such record that you can see"}

    async def test_the_caller_becomes_owner_and_author(self, stage: Stage) -> None:
        effect = await create(stage, "rita", "Account", Name="New")
        row = await get(stage, "Account", effect.change.record_id)
        assert {row["OwnerId"], row["CreatedById"], row["LastModifiedById"]} == {user("rita")}
        assert row["CreatedDate"] == row["SystemModstamp"] == to_json(NOW)
        assert (effect.version, effect.before, effect.after) == (1, {}, {"Name": "New", "OwnerId": user("rita")})

    async def test_the_same_creation_twice_clashes(self, stage: Stage) -> None:
        async with stage.crm("rita") as crm:
            change = await crm.propose_create("Account", {"Name": "New"})
        await apply(stage, "rita", change)
        with pytest.raises(CrmError, match="clashes"):
            await apply(stage, "rita", change)

    async def test_proposing_stores_nothing(self, stage: Stage) -> None:
        async with stage.crm("rita", write=True) as crm:
            change = await crm.propose_create("Account", {"Name": "New"})
            await crm.propose_update("Account", id_of("Account", "rita"), {"Name": "Changed"})
        with pytest.raises(RecordNotFoundError):
            await get(stage, "Account", change.record_id)
        assert (await get(stage, "Account", id_of("Account", "rita")))["Name"] == "rita"

    async def test_deleting_needs_the_right(self, stage: Stage) -> None:
        with pytest.raises(CrmError, match="you may not delete"):
            await apply(stage, "max", Change("delete", "Account", id_of("Account", "rita"), "rita", ()))


class TestUpdate:
    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"Name": ""}, "Name"),
            ({"Name": None}, "Name"),
            ({"NumberOfEmployees": "many"}, "NumberOfEmployees"),
            ({"Id": new_id("001")}, "Id"),
            ({"SystemModstamp": "2020-01-01T00:00:00Z"}, "SystemModstamp"),
            ({"IsDeleted": True}, "IsDeleted"),
            ({"tenant": "globex"}, "tenant"),
            ({}, "fields"),
        ],
    )
    async def test_what_is_wrong_is_named(self, stage: Stage, fields: dict[str, Any], field: str) -> None:
        async with stage.crm("rita") as crm:
            with pytest.raises(FieldError) as caught:
                await crm.propose_update("Account", id_of("Account", "rita"), fields)
        assert caught.value.field == field

    async def test_a_parent_is_chosen_once(self, stage: Stage) -> None:
        await stage.add(make("OpportunityLineItem", "line", OpportunityId=id_of("Opportunity", "rita")))
        async with stage.crm("max") as crm:
            with pytest.raises(FieldError, match="OpportunityId"):
                await crm.propose_update(
                    "OpportunityLineItem",
                    id_of("OpportunityLineItem", "line"),
                    {"OpportunityId": id_of("Opportunity", "ed")},
                )

    async def test_emptying_a_field_is_a_change_like_any_other(self, stage: Stage) -> None:
        record = id_of("Account", "rita")
        await update(stage, "rita", "Account", record, Website="a.example", NumberOfEmployees=5)
        effect = await update(stage, "rita", "Account", record, Website="", NumberOfEmployees=None)
        assert effect.before == {"Website": "a.example", "NumberOfEmployees": 5}
        assert effect.after == {"Website": None, "NumberOfEmployees": None}

    async def test_what_would_change_nothing_is_refused(self, stage: Stage) -> None:
        async with stage.crm("rita") as crm:
            with pytest.raises(CrmError, match="nothing would change"):
                await crm.propose_update("Account", id_of("Account", "rita"), {"Name": "rita", "Website": ""})

    async def test_a_stale_change_names_what_moved_and_writes_nothing(self, stage: Stage) -> None:
        record = id_of("Account", "rita")
        async with stage.crm("rita") as crm:
            change = await crm.propose_update("Account", record, {"Phone": "1", "Website": "a.example"})
        await update(stage, "max", "Account", record, Website="b.example")
        with pytest.raises(StaleError) as caught:
            await apply(stage, "rita", change)
        assert [(c.field, c.seen, c.current) for c in caught.value.conflicts] == [("Website", None, "b.example")]
        assert (await get(stage, "Account", record))["Phone"] is None

    async def test_a_change_to_another_field_in_between_does_not_matter(self, stage: Stage) -> None:
        record = id_of("Account", "rita")
        async with stage.crm("rita") as crm:
            change = await crm.propose_update("Account", record, {"Phone": "1"})
        await update(stage, "max", "Account", record, Website="b.example")
        assert (await apply(stage, "rita", change)).version == 3

    async def test_rights_are_checked_again_when_it_is_applied(self, stage: Stage) -> None:
        record = id_of("Account", "rita")
        change = Change("update", "Account", record, "rita", (FieldChange("Phone", None, "1"),))
        for key, error in (("ed", RecordNotFoundError), ("vera", ObjectRightError), ("nobody", ObjectRightError)):
            with pytest.raises(error):
                await apply(stage, key, change)
        assert (await apply(stage, "wanda", change)).after == {"Phone": "1"}

    async def test_a_change_made_by_hand_passes_the_same_checks(self, stage: Stage) -> None:
        record = id_of("Account", "rita")
        for field, new in (("Id", new_id("001")), ("Name", None), ("Fax", "1"), ("ParentId", id_of("Account", "ed"))):
            old = "rita" if field == "Name" else None
            with pytest.raises(CrmError):
                await apply(stage, "rita", Change("update", "Account", record, "x", (FieldChange(field, old, new),)))
            with pytest.raises(CrmError):
                await apply(
                    stage, "rita", Change("create", "Account", new_id("001"), "x", (FieldChange(field, None, new),))
                )


class TestAutomation:
    async def test_a_case_gets_the_next_number_of_its_tenant(self, stage: Stage) -> None:
        await stage.add(make("Case", "old", owner="rita", CaseNumber="00000041", IsDeleted=True))
        told = []
        for here in (stage, stage, Stage(stage.database, GLOBEX)):
            effect = await create(here, "rita", "Case", Subject="x")
            told.append((await get(here, "Case", effect.change.record_id))["CaseNumber"])
        assert told == ["00000042", "00000043", "00001001"], "numbers in the bin are not given out again"

    async def test_closing_a_case_dates_it_and_tells_its_history(self, stage: Stage) -> None:
        await stage.set_sharing(User="Read")
        effect = await create(stage, "rita", "Case", Subject="x")
        case = effect.change.record_id
        assert await self._history(stage, case) == [("Case Creation", None, None)]
        await update(stage, "rita", "Case", case, OwnerId=user("rob"))
        await update(stage, "max", "Case", case, Status="Closed")
        row = await get(stage, "Case", case)
        assert (row["IsClosed"], row["ClosedDate"]) == (True, to_json(NOW))
        await update(stage, "max", "Case", case, Priority="High")
        assert (await get(stage, "Case", case))["ClosedDate"] == to_json(NOW)
        assert await self._history(stage, case) == [
            ("Case Closed", None, None),
            ("Case Creation", None, None),
            ("Owner Assignment", user("rita"), user("rob")),
        ]
        await update(stage, "max", "Case", case, Status="Working")
        row = await get(stage, "Case", case)
        assert (row["IsClosed"], row["ClosedDate"]) == (False, None)

    @staticmethod
    async def _history(stage: Stage, case: str) -> list[tuple[Any, ...]]:
        async with stage.crm("max") as crm:
            fields = ["Field__c", "OldValue__c", "NewValue__c"]
            page = await crm.query(Query("CaseHistory__c", fields, [Filter("CaseId__c", "eq", case)]))
        return sorted(tuple(row[f] for f in fields) for row in page.records)

    async def test_closing_a_sale_is_its_stage(self, stage: Stage) -> None:
        record = id_of("Opportunity", "rita")
        await update(stage, "rita", "Opportunity", record, StageName="Closed")
        assert (await get(stage, "Opportunity", record))["IsClosed"] is True
        await update(stage, "rita", "Opportunity", record, StageName="Quote")
        assert (await get(stage, "Opportunity", record))["IsClosed"] is False

    @pytest.mark.parametrize(
        ("quantity", "price", "discount", "total"),
        [(2, 123.45, None, 246.9), (3, 0.33, 10, 0.89), (1, 100, 100, 0), (1.5, 9.99, 12.5, 13.11)],
    )
    async def test_a_line_is_totalled(
        self, stage: Stage, quantity: float, price: float, discount: float | None, total: float
    ) -> None:
        effect = await create(
            stage,
            "rita",
            "OpportunityLineItem",
            OpportunityId=id_of("Opportunity", "rita"),
            Quantity=quantity,
            UnitPrice=price,
            Discount=discount,
        )
        line = effect.change.record_id
        assert (await get(stage, "OpportunityLineItem", line))["TotalPrice"] == total
        await update(stage, "rita", "OpportunityLineItem", line, Quantity=10, Discount=None)
        assert (await get(stage, "OpportunityLineItem", line))["TotalPrice"] == pytest.approx(10 * price)

    @pytest.mark.parametrize("field", ["TotalPrice", "CaseNumber", "IsClosed", "ClosedDate", "ArticleNumber"])
    async def test_what_the_crm_works_out_is_not_taken_from_anybody(self, stage: Stage, field: str) -> None:
        object_name = {"TotalPrice": "OpportunityLineItem", "ArticleNumber": "Knowledge__kav"}.get(field, "Case")
        least: dict[str, Any] = {
            "Case": {"Subject": "x"},
            "Knowledge__kav": {"Title": "x"},
            "OpportunityLineItem": {"OpportunityId": id_of("Opportunity", "rita"), "Quantity": 1, "UnitPrice": 1},
        }[object_name]
        async with stage.crm("max") as crm:
            with pytest.raises(FieldError, match=field):
                await crm.propose_create(object_name, {**least, field: "1"})


async def test_an_error_in_the_middle_leaves_nothing(stage: Stage) -> None:
    async def fail_after_two_writes() -> None:
        async with stage.crm("rita", write=True) as crm:
            await crm.apply(await crm.propose_create("Case", {"Subject": "Half done", "Status": "Closed"}))
            await crm.apply(await crm.propose_update("Account", id_of("Account", "rita"), {"Name": "Half"}))
            await crm.apply(Change("update", "Account", new_id("001"), "x", (FieldChange("Name", "a", "b"),)))

    with pytest.raises(RecordNotFoundError):
        await fail_after_two_writes()
    assert (await get(stage, "Account", id_of("Account", "rita")))["Name"] == "rita"
    assert await stage.seen("max", "Case") == set()
    assert await stage.seen("max", "CaseHistory__c") == set()


async def test_a_reader_cannot_write(stage: Stage) -> None:
    async with stage.crm("rita") as crm:
        change = await crm.propose_create("Account", {"Name": "x"})

    async def apply_while_reading() -> None:
        async with stage.crm("rita") as crm:
            await crm.apply(change)

    with pytest.raises(TenantContextError, match="opened for reading"):
        await apply_while_reading()
