"""The three answers a guard can give. They are types, so that no text is ever mistaken for a yes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from trust.approvers import Requirement


@dataclass(frozen=True)
class Allow:
    """Nothing speaks against it."""


@dataclass(frozen=True)
class Drawn:
    """What an action took out of a pre-approval. Without a period it has no caps."""

    preapproval_id: str
    period_start: date | None = None
    amount: int = 0

    def to_json(self) -> dict[str, Any]:
        start = None if self.period_start is None else self.period_start.isoformat()
        return {"id": self.preapproval_id, "period_start": start, "amount": self.amount}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Drawn":
        start = data["period_start"]
        return cls(data["id"], None if start is None else date.fromisoformat(start), data["amount"])


@dataclass(frozen=True)
class Hold:
    """A person has to countersign first. Says who may."""

    guard: str
    reason: str
    permission: str | None
    """What a deciding person other than the requester needs: a permission, or several separated by spaces, all of
    which are needed. None: only the requester decides, unless a permission is waived."""
    self_approval: bool
    """Whether the requester may decide."""
    votes: int = 1
    requirements: tuple[Requirement, ...] = ()
    """All of them have to be met by whoever decides, the requester included."""
    waives_permission: bool = False
    """Whether the requirements stand in the place of the permission to approve."""
    expires_after: timedelta | None = None
    """How long it waits, if that is shorter than usual."""
    rules: tuple[str, ...] = ()
    """The tenant's approval rules that had a say."""
    drawn: Drawn | None = None
    """What it was approved by in advance."""

    def joined(self, other: "Hold") -> "Hold":
        """Both demands at once."""
        waits = [one.expires_after for one in (self, other) if one.expires_after is not None]
        return Hold(
            guard=self.guard,
            reason="; ".join(dict.fromkeys((self.reason, other.reason))),
            permission=" ".join(sorted(self.permissions | other.permissions)) or None,
            self_approval=self.self_approval and other.self_approval,
            votes=max(self.votes, other.votes),
            requirements=tuple(dict.fromkeys((*self.requirements, *other.requirements))),
            waives_permission=self.waives_permission and other.waives_permission,
            expires_after=min(waits, default=None),
            rules=tuple(dict.fromkeys((*self.rules, *other.rules))),
        )

    @property
    def permissions(self) -> frozenset[str]:
        """All that are needed; empty if only the requester decides, or if the only one is waived."""
        return frozenset((self.permission or "").split())

    def covers(self, other: "Hold") -> bool:
        """Whether what was decided under this demand satisfies the other one too.

        How long a request may wait is no part of it: that was over when it was decided.
        """
        return (
            self.votes >= other.votes
            and self.permissions >= other.permissions
            and (other.self_approval or not self.self_approval)
            and (other.waives_permission or not self.waives_permission)
            and all(any(mine.is_within(theirs) for mine in self.requirements) for theirs in other.requirements)
        )

    def settled(self, managers: frozenset[str], *, at: datetime) -> "Hold":
        """With everybody and every moment that it speaks of named, for a request of now."""
        return replace(self, requirements=tuple(one.settled(managers, at=at) for one in self.requirements))

    @property
    def escalations(self) -> list[tuple[Requirement, datetime]]:
        """The moments from which on others may decide as well, earliest first; none before it was settled."""
        found = [(one, one.escalation.at) for one in self.requirements if one.escalation and one.escalation.at]
        return sorted(found, key=lambda each: each[1])

    def to_json(self) -> dict[str, Any]:
        """As a request keeps it. What no rule of the tenant asked for is left out."""
        more = {
            "requirements": [one.to_json() for one in self.requirements],
            "waives_permission": self.waives_permission,
            "expires_after_s": None if self.expires_after is None else int(self.expires_after.total_seconds()),
            "rules": list(self.rules),
            "drawn": None if self.drawn is None else self.drawn.to_json(),
        }
        return {
            "guard": self.guard,
            "reason": self.reason,
            "permission": self.permission,
            "self_approval": self.self_approval,
            "votes": self.votes,
        } | {name: value for name, value in more.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Hold":
        wait_s, drawn = data.get("expires_after_s"), data.get("drawn")
        return cls(
            guard=data["guard"],
            reason=data["reason"],
            permission=data["permission"],
            self_approval=data["self_approval"],
            votes=data["votes"],
            requirements=tuple(map(Requirement.from_json, data.get("requirements", ()))),
            waives_permission=data.get("waives_permission", False),
            expires_after=None if wait_s is None else timedelta(seconds=wait_s),
            rules=tuple(data.get("rules", ())),
            drawn=None if drawn is None else Drawn.from_json(drawn),
        )


@dataclass(frozen=True)
class Deny:
    """It will not happen, and no approval changes that. The reason is shown to the model and the caller."""

    guard: str
    reason: str


Decision = Allow | Hold | Deny
