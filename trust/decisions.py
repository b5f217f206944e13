"""The three answers a guard can give. They are types, so that no text is ever mistaken for a yes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Allow:
    """Nothing speaks against it."""


@dataclass(frozen=True)
class Hold:
    """A person has to countersign first. Says who may."""

    guard: str
    reason: str
    permission: str | None
    """What a deciding person other than the requester needs: a permission, or several separated by spaces, all of
    which are needed. None: only the requester decides."""
    self_approval: bool
    """Whether the requester may decide."""
    votes: int = 1

    def joined(self, other: "Hold") -> "Hold":
        """Both demands at once."""
        return Hold(
            guard=self.guard,
            reason="; ".join(dict.fromkeys((self.reason, other.reason))),
            permission=" ".join(sorted(self.permissions | other.permissions)) or None,
            self_approval=self.self_approval and other.self_approval,
            votes=max(self.votes, other.votes),
        )

    @property
    def permissions(self) -> frozenset[str]:
        """All that are needed; empty if only the requester decides."""
        return frozenset((self.permission or "").split())

    def covers(self, other: "Hold") -> bool:
        """Whether what was decided under this demand satisfies the other one too."""
        return (
            self.votes >= other.votes
            and self.permissions >= other.permissions
            and (other.self_approval or not self.self_approval)
        )


@dataclass(frozen=True)
class Deny:
    """It will not happen, and no approval changes that. The reason is shown to the model and the caller."""

    guard: str
    reason: str


Decision = Allow | Hold | Deny
