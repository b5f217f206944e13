"""A tenant in the making: its rows so far, and the one source of chance and time that they come from."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

from crm.ids import TenantId, numbered_id
from crm.records import OBJECTS
from crm.seed.people import STAFF, staff_id
from crm.seed.profile import Product, Profile

Row = dict[str, Any]
T = TypeVar("T")

WORKDAY_START = 8
WORKDAY_END = 17
WORKDAY_MINUTES = (WORKDAY_END - WORKDAY_START) * 60


def _blank(object_name: str) -> Row:
    """All columns of an object, each at its declared default."""
    columns = OBJECTS[object_name].__table__.columns
    return {column.name: column.default.arg if column.default is not None else None for column in columns}


_BLANKS = {name: _blank(name) for name in OBJECTS}


class TenantDraft:
    """Collects the rows of one tenant. Ids and instants depend on nothing but the profile, the date and the factor."""

    def __init__(self, profile: Profile, *, today: date, factor: float) -> None:
        self.profile = profile
        self.today = today
        self.now = datetime.combine(today, time(WORKDAY_START), UTC)
        self.rng = Random(f"countersign {profile.tenant}")  # noqa: S311 - believable data, not secrets
        self.rows: dict[str, list[Row]] = {name: [] for name in OBJECTS}
        self._scale = factor * profile.size
        self._numbers = {"CaseNumber": 1000, "OrderNumber": 99, "ArticleNumber": 0}

    @property
    def tenant(self) -> TenantId:
        return self.profile.tenant

    def count(self, usual: int, *, least: int = 1) -> int:
        """How many to make of what there are `usual` of at factor 1."""
        return max(least, round(usual * self._scale))

    def next_number(self, field: str) -> str:
        """The next running number of eight digits for a case, an order or an article."""
        self._numbers[field] += 1
        return f"{self._numbers[field]:08d}"

    def add(
        self,
        object_name: str,
        *,
        owner: str,
        created: datetime,
        by: str | None = None,
        modified: datetime | None = None,
        **values: Any,
    ) -> Row:
        """Append a record. `owner` and `by` are user ids; what is not named keeps its declared default."""
        rows = self.rows[object_name]
        number = self.profile.first_numbers.get(object_name, 1) + len(rows)
        changed = min(max(modified or created, created), max(self.now, created))
        row = {
            **_BLANKS[object_name],
            "tenant": self.tenant,
            "Id": numbered_id(OBJECTS[object_name].prefix, number),
            "OwnerId": owner,
            "CreatedDate": created,
            "CreatedById": by or owner,
            "LastModifiedDate": changed,
            "LastModifiedById": by or owner,
            "SystemModstamp": changed,
        }
        unknown = values.keys() - row.keys()
        if unknown:
            raise ValueError(f"{object_name} has no field {sorted(unknown)[0]!r}")
        row.update(values)
        rows.append(row)
        return row

    def pick(self, choices: Sequence[T]) -> T:
        return self.rng.choice(choices)

    def chance(self, share: float) -> bool:
        """True in about `share` of the calls."""
        return self.rng.random() < share

    def moment(self, earliest_days: float, latest_days: float = 0.05) -> datetime:
        """An instant in working hours between so many days before today and so many, never after now."""
        days = int(self.rng.uniform(latest_days, earliest_days))
        day = self.today - timedelta(days=days)
        if day.weekday() > 4 and self.chance(0.85):
            day -= timedelta(days=day.weekday() - 4)
        minutes = self.rng.randrange(WORKDAY_MINUTES)
        found = datetime.combine(day, time(WORKDAY_START), UTC) + timedelta(minutes=minutes)
        return min(found, self.now - timedelta(minutes=self.rng.randrange(5, 240)))

    def after(self, start: datetime, hours_min: float, hours_max: float) -> datetime:
        """An instant some hours after `start`, in working hours if that keeps the order, never after now."""
        minutes = int(self.rng.uniform(hours_min, hours_max) * 60)
        found = start + timedelta(minutes=max(1, minutes))
        at_work = found.replace(hour=min(max(found.hour, WORKDAY_START), WORKDAY_END - 1))
        return min(at_work if at_work > start else found, max(self.now, start))

    def workday(self, days: int) -> date:
        """The day so many days from today, moved to Friday if it is on a weekend."""
        day = self.today + timedelta(days=days)
        return day - timedelta(days=max(0, day.weekday() - 4))

    def owners(self, role: str) -> list[str]:
        """User ids of the active staff in a role."""
        return [staff_id(member.key) for member in STAFF if member.role == role and member.is_active]

    def price(self, product: Product) -> Decimal:
        return Decimal(product.price)


def cents(amount: Decimal) -> Decimal:
    """The amount rounded to two places."""
    return round(amount, 2)


def line_total(quantity: Decimal, unit_price: Decimal, discount: Decimal | None) -> Decimal:
    """Quantity x price less the discount in per cent, as the CRM itself computes it."""
    return cents(quantity * unit_price * (100 - (discount or Decimal(0))) / 100)
