"""From the words of a question to conditions: names to ids, values to the dimension that has them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from crm.connector import Filter, MetricQuery
from crm.errors import CrmError
from crm.fields import FieldSpec, Kind
from crm.ids import normalise_id
from crm.schema import object_of
from crm.semantics.loading import spec_at
from crm.semantics.model import Dataset, Dimension
from tools._declare import Integrity, ReadingCrm, Result, ToolRetryError, output
from tools._shapes import FilterArgument

_SURE = 0.72
"""How well a name must fit to be taken for a record's."""
_AHEAD = 0.08
"""How far the best must be ahead of the second."""
_FEW = 5


@dataclass(frozen=True)
class Applied:
    """A condition, and the record or the stored value that a word was taken for."""

    filter: Filter
    record_ids: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()
    """Values as they stand in the CRM, or names that the semantic layer gives to groups of them."""


@dataclass(frozen=True)
class WordReader:
    """Reads words about one metric."""

    crm: ReadingCrm
    dataset: Dataset
    metric: str
    grouped: frozenset[str] = frozenset()
    """Dimensions that the answer is split by: a word that may mean another one is not meant for them."""

    async def read_filters(self, filters: Iterable[FilterArgument]) -> list[Applied]:
        """Conditions on dimensions, with names of records in the place of ids. Raises: ToolRetryError, CrmError."""
        return [await self._read_filter(one.to_filter()) for one in filters]

    async def _read_filter(self, one: Filter) -> Applied:
        dimension = self.dataset.dimensions.get(one.field)
        targets = self._targets(one.field, dimension)
        values = one.value if isinstance(one.value, list) else [one.value]
        if not targets or one.op not in ("eq", "ne", "in") or not all(isinstance(value, str) for value in values):
            is_declared = dimension is not None and set(map(str, values)) <= self._declared(dimension)
            return Applied(one, stored=tuple(map(str, values)) if is_declared else ())
        ids = [await self._id_of(one.field, str(value), targets) for value in values]
        value = ids if isinstance(one.value, list) else ids[0]
        return Applied(Filter(one.field, one.op, value), record_ids=tuple(ids))

    async def read_words(self, words: Sequence[str], *, keep: bool) -> list[Applied]:
        """Conditions for plain values; several of one dimension widen it. Raises: ToolRetryError."""
        by_dimension: dict[str, list[Applied]] = {}
        for word in words:
            found = await self._read_word(word)
            by_dimension.setdefault(found.filter.field, []).append(found)
        joined = []
        for name, ones in by_dimension.items():
            values = [one.filter.value for one in ones]
            ids = tuple(found for one in ones for found in one.record_ids)
            stored = tuple(found for one in ones for found in one.stored)
            if keep:
                joined.append(Applied(Filter(name, "in", values), ids, stored))
            else:
                joined += [Applied(Filter(name, "ne", one.filter.value), one.record_ids, one.stored) for one in ones]
        return joined

    async def _read_word(self, word: str) -> Applied:
        found = self._among_declared(word)
        if not found:
            exact, similar = await self._among_records(word)
            found = exact or await self._among_stored(word) or similar
        if not found:
            known = ", ".join(self.dataset.dimensions)
            raise ToolRetryError(
                f"only, without: nothing of what can be filtered by ({known}) is called {word[:60]!r}; "
                "ask the user what it means"
            )
        if len(found) > 1:
            found = [one for one in found if one.filter.field not in self.grouped] or found
        if len(found) > 1:
            kinds = ", ".join(one.filter.field + "".join(f" {i}" for i in one.record_ids) for one in found)
            raise ToolRetryError(f"only, without: {word[:60]!r} may mean: {kinds}; say which in filters")
        return found[0]

    def _among_declared(self, word: str) -> list[Applied]:
        """Values that the declarations list."""
        wanted = word.strip().casefold()
        return [
            Applied(Filter(name, "eq", value), stored=(value,))
            for name, dimension in self.dataset.dimensions.items()
            for value in sorted(self._declared(dimension))
            if value.casefold() == wanted
        ]

    async def _among_records(self, word: str) -> tuple[list[Applied], list[Applied]]:
        """Records of exactly that name or id, and of one much like it: one per dimension that can hold them."""
        found: tuple[list[Applied], list[Applied]] = ([], [])
        for name, dimension in self.dataset.dimensions.items():
            targets = self._targets(name, dimension)
            if not targets:
                continue
            try:
                record, is_exact = await self._find(name, word, targets)
            except (CrmError, ToolRetryError):
                continue
            found[0 if is_exact else 1].append(Applied(Filter(name, "eq", record), record_ids=(record,)))
        return found

    async def _among_stored(self, word: str) -> list[Applied]:
        """Values that stand in records."""
        found: list[Applied] = []
        for name, dimension in self.dataset.dimensions.items():
            spec = self._spec(name, dimension)
            if spec is None or dimension.groups or spec.values or self._targets(name, dimension):
                continue
            try:
                stored = await self.crm.measure(MetricQuery(self.metric, (name,), limit=200, by_key=True))
            except CrmError:
                continue
            values = {str(group.key[name]) for group in stored.groups}
            same = sorted(value for value in values if value.casefold() == word.strip().casefold())
            found += [Applied(Filter(name, "eq", value), stored=(value,)) for value in same[:1]]
        return found

    async def _id_of(self, name: str, text: str, targets: Sequence[str]) -> str:
        """Raises: ToolRetryError."""
        return (await self._find(name, text, targets))[0]

    async def _find(self, name: str, text: str, targets: Sequence[str]) -> tuple[str, bool]:
        """The record, and whether it goes by exactly this name or id. Raises: ToolRetryError."""
        normal = normalise_id(text.strip())
        if normal is not None and object_of(normal) in targets:
            return normal, True
        matches = await self.crm.find(text, targets, _FEW)
        exact = [one for one in matches if one.is_exact]
        if len(exact) == 1:
            return exact[0].record_id, True
        good = exact or [one for one in matches if one.score >= _SURE]
        if good and not exact and (len(good) == 1 or good[0].score - good[1].score >= _AHEAD):
            return good[0].record_id, False
        if not good:
            raise ToolRetryError(f"{name}: there is no {' or '.join(targets)} called {text[:60]!r} that you can see")
        ids = ", ".join(f"{one.object_name} {one.record_id}" for one in good)
        raise ToolRetryError(f"{name}: {text[:60]!r} fits several: {ids}; ask the user which one")

    def _targets(self, name: str, dimension: Dimension | None) -> tuple[str, ...]:
        if dimension is not None and dimension.names is not None:
            return (dimension.names,)
        spec = self._spec(name, dimension)
        return spec.targets if spec is not None and spec.kind is Kind.REFERENCE else ()

    def _spec(self, name: str, dimension: Dimension | None) -> FieldSpec | None:
        return spec_at(self.dataset, dimension.field if dimension is not None else name)

    def _declared(self, dimension: Dimension) -> set[str]:
        if dimension.groups:
            return set(dimension.groups)
        spec = spec_at(self.dataset, dimension.field)
        return set(spec.values) if spec is not None else set()


class NamedRecord(Result):
    id: str = output("Record id.")
    name: str = output("What people call it.", integrity=Integrity.BY_FIELD)


class AppliedFilter(Result):
    """A condition as it was applied. A value that was only typed is not repeated: it may be anybody's words."""

    on: str = output("Dimension or field.")
    condition: str = output("How it compares.")
    records: list[NamedRecord] = output("The records it compares with.", integrity=Integrity.BY_FIELD)
    groups: list[str] = output("The groups of values it compares with.")
    object: str | None = output("Kind of record that has the values.")
    values: dict[str, Any] = output("The stored values it compares with.", integrity=Integrity.BY_FIELD)

    @classmethod
    def of(cls, applied: Applied, dataset: Dataset, names: dict[str, str]) -> "AppliedFilter":
        one, dimension = applied.filter, dataset.dimensions.get(applied.filter.field)
        join, _, field = (dimension.field if dimension is not None else one.field).rpartition(".")
        has_groups = dimension is not None and bool(dimension.groups)
        return cls(
            on=one.field,
            condition=one.op,
            records=[NamedRecord(id=found, name=names.get(found, found)) for found in applied.record_ids],
            groups=list(applied.stored) if has_groups else [],
            object=dataset.joins[join].to if join else dataset.object,
            values={} if has_groups or not applied.stored else {field: ", ".join(applied.stored)},
        )

    def words(self) -> str:
        """For a sentence."""
        what = [*(one.name for one in self.records), *self.groups, *map(str, self.values.values())]
        return f"{self.on.replace('_', ' ')} {_COMPARISONS[self.condition]} {' or '.join(what) or 'the given value'}"


_COMPARISONS = {
    "eq": "is",
    "in": "is",
    "ne": "is not",
    "lt": "is below",
    "le": "is at most",
    "gt": "is above",
    "ge": "is at least",
    "contains": "contains",
    "starts_with": "starts with",
    "is_null": "is or is not filled, by",
}
