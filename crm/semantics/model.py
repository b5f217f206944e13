"""The parts of the semantic layer: what can be measured, over which records, and what each word stands for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from crm.fields import Op

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Words = Annotated[str, StringConstraints(min_length=3, max_length=400)]
Path = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9_]*\.)?[A-Za-z][A-Za-z0-9_]*$", max_length=80)]
"""A field of the dataset's object, or `join.Field`."""
Api = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=60)]

Grain = Literal["day", "week", "month", "quarter", "year"]
Unit = Literal["count", "hours", "days", "money", "percent", "number"]
MeasureFunction = Literal["count", "distinct", "sum", "avg", "min", "max", "share"]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(Part):
    """One condition on a field, as in `crm.connector.Filter`."""

    field: Path
    op: Op = "eq"
    value: Any


class Join(Part):
    """A record that a reference leads to. `by` is a field of the object or of a join named earlier."""

    to: Api
    by: Path


class TimeField(Part):
    """A date that periods can refer to."""

    field: Path
    says: Words


class Dimension(Part):
    """Something to group and filter by."""

    field: Path
    says: Words
    names: Api | None = None
    """For text fields that hold ids: the object whose records they name."""
    groups: dict[str, tuple[str, ...]] = Field(default_factory=dict, max_length=40)
    """Values put together under a name; those in none of the groups count as empty."""


class Related(Part):
    """Records that point to the dataset's by the reference `by`."""

    object: Api
    by: Api
    where: tuple[Condition, ...] = ()


class Segment(Part):
    """A part of the records that has a name."""

    says: Words
    where: tuple[Condition, ...] = ()
    having: Related | None = None
    without: Related | None = None


class Between(Part):
    """From one date to another; empty if either is."""

    start: Path
    end: Path


class Measure(Part):
    """A number over many records, with the definition that people are told."""

    label: Words
    says: Words
    definition: Words
    function: MeasureFunction
    field: Path | None = None
    hours: Between | None = None
    days: Between | None = None
    product: tuple[Path, ...] = Field(default=(), max_length=2)
    where: tuple[Condition, ...] = ()
    """Which records the measure is about."""
    leaves_out: Words | None = None
    """What the records that `where` leaves out are called, if people should be told how many they are."""
    holds: tuple[Condition, ...] = ()
    """For `share`: what must hold of a record to be counted in."""
    time: Name
    unit: Unit
    better: Literal["higher", "lower"] | None = None
    among: Name | None = None
    """Another measure: groups that it finds and this one does not count as zero here, and it is what
    minimum numbers of records refer to."""

    @model_validator(mode="after")
    def _check(self) -> "Measure":
        measured = [bool(one) for one in (self.field, self.hours, self.days, self.product)]
        wanted = 0 if self.function in ("count", "share") else 1
        if sum(measured) != wanted:
            raise ValueError(f"{self.function} takes {wanted or 'no'} of field, hours, days and product")
        if self.function == "distinct" and self.field is None:
            raise ValueError("distinct takes a field")
        if len(self.product) == 1:
            raise ValueError("product takes two fields")
        if bool(self.holds) != (self.function == "share"):
            raise ValueError("share, and nothing else, says what holds")
        return self


class Dataset(Part):
    """Records of one object with all that may be asked of them."""

    object: Api
    label: Words
    """What the records are called, in the plural."""
    joins: dict[Name, Join] = Field(default_factory=dict, max_length=12)
    times: dict[Name, TimeField] = Field(default_factory=dict, max_length=12)
    dimensions: dict[Name, Dimension] = Field(default_factory=dict, max_length=60)
    segments: dict[Name, Segment] = Field(default_factory=dict, max_length=60)
    measures: dict[Name, Measure] = Field(default_factory=dict, max_length=60)


@dataclass(frozen=True)
class Layer:
    """All datasets by name; names of measures are unique among them."""

    datasets: Mapping[str, Dataset]

    def find(self, metric: str) -> tuple[Dataset, Measure] | None:
        for dataset in self.datasets.values():
            if metric in dataset.measures:
                return dataset, dataset.measures[metric]
        return None

    def metrics(self) -> Iterator[tuple[str, Measure]]:
        for dataset in self.datasets.values():
            yield from dataset.measures.items()

    def meanings(self, part: Literal["measures", "dimensions", "segments", "times"]) -> dict[str, str]:
        """Name -> what it is called, over all datasets; the words of the same name are put together."""
        found: dict[str, list[str]] = {}
        for dataset in self.datasets.values():
            for name, one in getattr(dataset, part).items():
                words = found.setdefault(name, [])
                words += [word for word in one.says.split(", ") if word not in words]
        return {name: ", ".join(words) for name, words in found.items()}
