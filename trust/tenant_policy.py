"""What a tenant adds to the policy: rules that only restrict, limits, and kinds of action approved in advance."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from trust.approval_rules import ApprovalRule
from trust.digests import digest_of

MOST_RECORDS = 10
"""No setting lifts this: `trust/guards/limit_records.py` denies what is beyond, but for tools that say that they are
made for more, and of those a second person approves whatever is beyond the setting."""

RecipientRule = Literal["deny", "hold"]
Period = Literal["day", "week", "month", "always"]
"""What a cap counts over, by UTC; weeks begin on Mondays."""


class PolicySettingError(ValueError):
    """A setting that cannot be taken. `name` says which."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


@dataclass(frozen=True)
class PolicySettings:
    """The tenant's limits. What is beyond them waits for a second person, pre-approved or not."""

    record_cap: int = 5
    """Records that one action may touch."""
    amount_limit: int = 1_000_000
    """In the tenant's currency."""
    change_limit_percent: int = 50
    """By how much an amount may grow or shrink at once."""
    recipient_rule: RecipientRule = "hold"
    """What happens to a message for somebody who is not among its content's readers."""

    def __post_init__(self) -> None:
        """Raises: PolicySettingError."""
        for name, most in (("record_cap", MOST_RECORDS), ("amount_limit", 10**15), ("change_limit_percent", 10_000)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
                raise PolicySettingError(name, f"expected a whole number from 0 to {most}")
        if self.recipient_rule not in ("deny", "hold"):
            raise PolicySettingError("recipient_rule", "expected 'deny' or 'hold'")

    def to_json(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "PolicySettings":
        """Raises: PolicySettingError."""
        unknown = set(data) - {one.name for one in fields(cls)}
        if unknown:
            raise PolicySettingError(min(unknown), "there is no such setting")
        return cls(**data)


@dataclass(frozen=True)
class Preapproval:
    """Exactly one kind of action that staff may have done without a person looking at each."""

    preapproval_id: str
    tool: str
    object_name: str
    fields: frozenset[str]
    """All that such an action may touch."""
    until: date
    """The last day on which it holds, by UTC."""
    amount_cap: int | None = None
    """The most that any amount may come to; None: no amount may be touched."""
    granted_by: str = ""
    reason: str = ""
    count_cap: int | None = None
    """How many such actions may be carried out in a period; None: any number."""
    sum_cap: int | None = None
    """What all amounts of a period may come to; None: any sum."""
    period: Period = "day"

    @property
    def is_capped(self) -> bool:
        return self.count_cap is not None or self.sum_cap is not None

    def period_of(self, day: date) -> date:
        """The first day of the period that a day lies in."""
        match self.period:
            case "day":
                return day
            case "week":
                return day - timedelta(days=day.weekday())
            case "month":
                return day.replace(day=1)
            case "always":
                return date(1970, 1, 1)

    def to_json(self) -> dict[str, Any]:
        """Caps are left out where there are none, so that what was granted before there were any reads the same."""
        caps = {"count_cap": self.count_cap, "sum_cap": self.sum_cap, "period": self.period} if self.is_capped else {}
        return caps | {
            "id": self.preapproval_id,
            "tool": self.tool,
            "object": self.object_name,
            "fields": sorted(self.fields),
            "until": self.until.isoformat(),
            "amount_cap": self.amount_cap,
            "granted_by": self.granted_by,
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Preapproval":
        return cls(
            preapproval_id=data["id"],
            tool=data["tool"],
            object_name=data["object"],
            fields=frozenset(data["fields"]),
            until=date.fromisoformat(data["until"]),
            amount_cap=data["amount_cap"],
            granted_by=data["granted_by"],
            reason=data["reason"],
            count_cap=data.get("count_cap"),
            sum_cap=data.get("sum_cap"),
            period=data.get("period", "day"),
        )


@dataclass(frozen=True)
class TenantPolicy:
    """One version of a tenant's own part of the policy; version 0 adds nothing."""

    version: int = 0
    additions: str = ""
    """Cedar text, `forbid` only: see `trust/additions.py`."""
    settings: PolicySettings = field(default_factory=PolicySettings)
    preapprovals: tuple[Preapproval, ...] = ()
    rules: tuple[ApprovalRule, ...] = ()
    """Who has to approve what, beyond what the service asks: see `trust/approval_rules.py`."""

    @cached_property
    def digest(self) -> str:
        """The same for the same content, whatever the version."""
        granted = [one.to_json() for one in self.preapprovals]
        content = {"additions": self.additions, "settings": self.settings.to_json(), "preapprovals": granted}
        if self.rules:  # versions from before there were any keep their digest
            content["rules"] = [one.to_json() for one in self.rules]
        return digest_of(content)

    def standing_at(self, at: datetime) -> "StandingPolicy":
        """What of it holds at a moment."""
        return replace(self.standing_on(at.astimezone(UTC).date()), asked_at=at)

    def standing_on(self, day: date) -> "StandingPolicy":
        """What of it holds on a day, at whatever time."""
        live = tuple(one for one in self.preapprovals if one.until >= day)
        return StandingPolicy(self.digest, self.version, self.additions, self.settings, live, self.rules)


@dataclass(frozen=True)
class StandingPolicy:
    """A tenant's policy as it stands at the moment that a principal is made."""

    digest: str
    """Of the version with all its pre-approvals, those that have run out included."""
    version: int
    additions: str
    settings: PolicySettings
    preapprovals: tuple[Preapproval, ...] = ()
    rules: tuple[ApprovalRule, ...] = ()
    asked_at: datetime | None = None
    """The moment that rules about hours go by; None if nobody knows it: then all of them speak."""


NOTHING_ADDED = TenantPolicy().standing_on(date.max)
