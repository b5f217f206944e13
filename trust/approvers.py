"""Who may decide on a request, beyond what the guards ask: as a tenant's rules name them, and as a request keeps it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from crm.access import Access
from crm.fields import to_json

ApproverKind = Literal["permission", "role", "group", "person", "manager_of_owner"]


@dataclass(frozen=True)
class Approver:
    """One way to qualify. Customers never do."""

    kind: ApproverKind
    name: str = ""
    """A permission, the name of a role, a group, a user id; empty for the manager of the owner."""
    managers: frozenset[str] = field(default=frozenset(), compare=False)
    """Who that manager is: written down with the request, unknown before. Those above the manager are among them."""

    def fits(self, access: Access) -> bool:
        if access.caller.user_id is None:
            return False
        match self.kind:
            case "permission":
                return self.name in access.permissions
            case "role":
                return self.name in access.roles_from_here
            case "group":
                return self.name in access.groups
            case "person":
                return self.name == access.caller.id
            case "manager_of_owner":
                return access.caller.id in self.managers

    @property
    def words(self) -> str:
        """In a few words, for people."""
        named = {
            "permission": f"the permission {self.name!r}",
            "role": f"the role {self.name!r} or one above it",
            "group": f"the group {self.name!r}",
            "person": f"{self.name}",
            "manager_of_owner": "the manager of the record's owner or somebody above",
        }
        return named[self.kind]

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"kind": self.kind}
        if self.kind == "manager_of_owner":
            return told | {"managers": sorted(self.managers)}
        return told | {"name": self.name}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Approver":
        return cls(data["kind"], data.get("name", ""), frozenset(data.get("managers", ())))


@dataclass(frozen=True)
class Escalation:
    """Who may decide as well once a request has waited for long enough."""

    after: timedelta
    to: tuple[Approver, ...]
    at: datetime | None = None
    """The moment, once the request is written down; before, it never comes."""

    def to_json(self) -> dict[str, Any]:
        return {
            "after_s": int(self.after.total_seconds()),
            "to": [one.to_json() for one in self.to],
            "at": to_json(self.at),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Escalation":
        at = data["at"]
        return cls(
            timedelta(seconds=data["after_s"]),
            tuple(map(Approver.from_json, data["to"])),
            None if at is None else datetime.fromisoformat(at),
        )


@dataclass(frozen=True)
class Requirement:
    """What one rule asks of whoever decides: to qualify in one of these ways."""

    rule: str
    any_of: tuple[Approver, ...]
    escalation: Escalation | None = None

    def is_met_by(self, access: Access, *, at: datetime) -> bool:
        if any(one.fits(access) for one in self.any_of):
            return True
        later = self.escalation
        return later is not None and later.at is not None and later.at <= at and _any_fits(later.to, access)

    def is_within(self, other: "Requirement") -> bool:
        """Whether nobody meets this one, at any time, who does not meet the other one then, too."""
        if not set(self.any_of) <= set(other.any_of):
            return False
        if self.escalation is None:
            return True
        late = set(self.escalation.to) - set(other.any_of)
        if not late:
            return True
        allowed = other.escalation
        return allowed is not None and late <= set(allowed.to) and self.escalation.after >= allowed.after

    @property
    def words(self) -> str:
        return " or ".join(one.words for one in self.any_of)

    @property
    def asks_for_managers(self) -> bool:
        late = self.escalation.to if self.escalation else ()
        return any(one.kind == "manager_of_owner" for one in (*self.any_of, *late))

    def settled(self, managers: Iterable[str], *, at: datetime) -> "Requirement":
        """As a request keeps it: the managers by id, the moment of the escalation by the clock."""
        known = frozenset(managers)
        later = self.escalation
        return Requirement(
            self.rule,
            _named(self.any_of, known),
            None if later is None else replace(later, to=_named(later.to, known), at=_whole(at + later.after)),
        )

    def to_json(self) -> dict[str, Any]:
        later = None if self.escalation is None else self.escalation.to_json()
        return {"rule": self.rule, "any_of": [one.to_json() for one in self.any_of], "escalation": later}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Requirement":
        later = data["escalation"]
        return cls(
            data["rule"],
            tuple(map(Approver.from_json, data["any_of"])),
            None if later is None else Escalation.from_json(later),
        )


def _whole(moment: datetime) -> datetime:
    """The next whole second: instants are written down to the second."""
    return (moment + timedelta(microseconds=999_999)).replace(microsecond=0)


def _any_fits(approvers: Iterable[Approver], access: Access) -> bool:
    return any(one.fits(access) for one in approvers)


def _named(approvers: Iterable[Approver], managers: frozenset[str]) -> tuple[Approver, ...]:
    return tuple(replace(one, managers=managers) if one.kind == "manager_of_owner" else one for one in approvers)
