"""Reads definitions from YAML and checks every one against the objects there are, so that none fails when asked."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from crm.errors import CrmError, FieldError
from crm.fields import NUMERIC, ORDERED, FieldSpec, Kind
from crm.schema import OBJECT_INFO
from crm.semantics.model import Condition, Dataset, Dimension, Layer, Measure, Related
from crm.values import parse_value

MAX_DEFINITIONS = 64 * 1024
"""Characters that a tenant's own definitions may have."""

_FILE = TypeAdapter(dict[str, Dataset])
_DATES = (Kind.DATE, Kind.DATETIME)


class SemanticError(CrmError):
    """A definition does not hold together; the message says where and why."""


@cache
def shipped_layer() -> Layer:
    """The definitions that come with the service. Raises: SemanticError."""
    datasets: dict[str, Dataset] = {}
    for file in sorted(resources.files("crm.semantics").iterdir(), key=lambda one: one.name):
        if file.name.endswith(".yaml"):
            datasets |= _parse(yaml.safe_load(file.read_text(encoding="utf-8")), file.name)
    layer = Layer(datasets)
    _check(layer)
    return layer


def extend(layer: Layer, text: str) -> Layer:
    """The layer with a tenant's own definitions in YAML: more datasets, or more parts of those there are.

    What is defined already keeps its meaning. Raises: SemanticError.
    """
    if len(text) > MAX_DEFINITIONS:
        raise SemanticError(f"definitions: at most {MAX_DEFINITIONS} characters")
    try:
        # Aliases of aliases make a short text endless.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise SemanticError("definitions: aliases are not taken; write each value out")
        given = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        raise SemanticError("definitions: expected YAML") from None
    except RecursionError:
        raise SemanticError("definitions: nested too deeply") from None
    if given in (None, {}):
        return layer
    if not isinstance(given, dict):
        raise SemanticError("definitions: expected datasets by name")
    merged = dict(layer.datasets)
    for name, own in given.items():
        present = merged.get(name) if isinstance(name, str) else None
        combined = own if present is None else _combine(str(name), present, own)
        merged |= _parse({name: combined}, "definitions")
    extended = Layer(merged)
    _check(extended)
    return extended


def _parse(given: Any, where: str) -> dict[str, Dataset]:
    try:
        return _FILE.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SemanticError(f"{where}: {place[:160]}: {first['msg'][:200]}") from None


def _combine(name: str, present: Dataset, own: Any) -> dict[str, Any]:
    parts = ("joins", "times", "dimensions", "segments", "measures")
    if not isinstance(own, dict) or set(own) - set(parts):
        raise SemanticError(f"{name}: is there already; expected some of {', '.join(parts)} to add to it")
    combined: dict[str, Any] = present.model_dump()
    for part, more in own.items():
        if not isinstance(more, dict):
            raise SemanticError(f"{name}.{part}: expected definitions by name")
        again = sorted(str(key) for key in more.keys() & combined[part].keys())
        if again:
            raise SemanticError(f"{name}.{part}.{again[0]}: is defined already")
        combined[part] = {**combined[part], **more}
    return combined


def _check(layer: Layer) -> None:
    seen: set[str] = set()
    for name, dataset in layer.datasets.items():
        for measure in dataset.measures:
            if measure in seen:
                raise SemanticError(f"{name}.measures.{measure}: another dataset has a measure of this name")
            seen.add(measure)
        for place, fault in _faults(layer, dataset):
            raise SemanticError(f"{name}.{place}: {fault}")


def spec_at(dataset: Dataset, path: str) -> FieldSpec | None:
    """The declaration of the field that a path of the dataset leads to; None if there is none."""
    join, _, field = path.rpartition(".")
    object_name = dataset.object if not join else dataset.joins[join].to if join in dataset.joins else ""
    info = OBJECT_INFO.get(object_name)
    return info.fields.get(field) if info else None


def _faults(layer: Layer, dataset: Dataset) -> Iterator[tuple[str, str]]:
    if dataset.object not in OBJECT_INFO:
        yield "object", f"there is no {dataset.object!r}"
        return
    known: set[str] = set()
    for name, join in dataset.joins.items():
        before, _, _ = join.by.rpartition(".")
        spec = spec_at(dataset, join.by)
        if (before and before not in known) or spec is None or join.to not in spec.targets:
            yield f"joins.{name}", f"{join.by} does not refer to {join.to}"
        known.add(name)
    for name, time in dataset.times.items():
        yield from _fault_of_kind(f"times.{name}", dataset, time.field, _DATES)
    for name, dimension in dataset.dimensions.items():
        yield from _faults_of_dimension(f"dimensions.{name}", dataset, dimension)
    for name, segment in dataset.segments.items():
        yield from _faults_of_conditions(f"segments.{name}", dataset, segment.where)
        for related in (segment.having, segment.without):
            if related is not None:
                yield from _faults_of_related(f"segments.{name}", dataset, related)
    for name, measure in dataset.measures.items():
        yield from _faults_of_measure(f"measures.{name}", layer, dataset, measure)


def _fault_of_kind(place: str, dataset: Dataset, path: str, kinds: Any) -> Iterator[tuple[str, str]]:
    spec = spec_at(dataset, path)
    if spec is None:
        yield place, f"there is no field {path}"
    elif spec.kind not in kinds:
        yield place, f"{path} is {spec.kind}; expected {', '.join(sorted(kinds))}"


def _faults_of_dimension(place: str, dataset: Dataset, dimension: Dimension) -> Iterator[tuple[str, str]]:
    spec = spec_at(dataset, dimension.field)
    if spec is None or spec.kind is Kind.LONG_TEXT:
        yield place, f"there is no field {dimension.field} to group by"
    if dimension.names is not None and dimension.names not in OBJECT_INFO:
        yield place, f"there is no {dimension.names!r}"


def _faults_of_conditions(place: str, dataset: Dataset, conditions: tuple[Condition, ...]) -> Iterator[tuple[str, str]]:
    for one in conditions:
        spec = spec_at(dataset, one.field)
        if spec is None:
            yield place, f"there is no field {one.field}"
        else:
            yield from _fault_of_value(place, spec, one)


def _fault_of_value(place: str, spec: FieldSpec, one: Condition) -> Iterator[tuple[str, str]]:
    if one.op == "is_null":
        if not isinstance(one.value, bool):
            yield place, f"{one.field}: is_null expects true or false"
        return
    if one.op in ("lt", "le", "gt", "ge") and spec.kind not in ORDERED:
        yield place, f"{one.field}: {one.op} needs a number or a date"
    for value in one.value if isinstance(one.value, list | tuple) else [one.value]:
        try:
            if one.op not in ("contains", "starts_with"):
                parse_value(one.field, spec, value)
        except FieldError as error:
            yield place, str(error)


def _faults_of_related(place: str, dataset: Dataset, related: Related) -> Iterator[tuple[str, str]]:
    info = OBJECT_INFO.get(related.object)
    spec = info.fields.get(related.by) if info else None
    if spec is None or dataset.object not in spec.targets:
        yield place, f"{related.object}.{related.by} does not refer to {dataset.object}"
        return
    pointing = Dataset(object=related.object, label="related records")
    yield from _faults_of_conditions(place, pointing, related.where)


def _faults_of_measure(place: str, layer: Layer, dataset: Dataset, measure: Measure) -> Iterator[tuple[str, str]]:
    if measure.time not in dataset.times:
        yield place, f"time: expected one of {', '.join(dataset.times)}"
    if measure.among is not None and measure.among not in dataset.measures and layer.find(measure.among) is None:
        yield place, f"among: there is no measure {measure.among!r}"
    for between in (measure.hours, measure.days):
        for path in () if between is None else (between.start, between.end):
            yield from _fault_of_kind(place, dataset, path, _DATES)
    numbers = [*measure.product, *([measure.field] if measure.field and measure.function != "distinct" else [])]
    for path in numbers:
        yield from _fault_of_kind(place, dataset, path, NUMERIC)
    if measure.function == "distinct" and spec_at(dataset, measure.field or "") is None:
        yield place, f"there is no field {measure.field}"
    yield from _faults_of_conditions(place, dataset, (*measure.where, *measure.holds))


def describe(layer: Layer) -> Mapping[str, Any]:
    """The layer as JSON, for people who look at it."""
    return {name: dataset.model_dump(mode="json", exclude_defaults=True) for name, dataset in layer.datasets.items()}
