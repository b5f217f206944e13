"""What can go wrong with records, in words that name no record the caller may not see."""

from dataclasses import dataclass


class CrmError(Exception):
    """Base of all errors of this package. Messages are safe to show to the caller."""


class RecordNotFoundError(CrmError):
    """The record does not exist, or the caller may not see it: from outside there is no difference."""

    def __init__(self, object_name: str, record_id: str) -> None:
        super().__init__(f"no {object_name} with id {record_id!r} that you can see")
        self.object_name = object_name
        self.record_id = record_id


class ObjectRightError(CrmError):
    """The caller's permission sets do not include this operation on this kind of record."""


class FieldError(CrmError):
    """A field is unknown, hidden from the caller, not writable, or was given a value it cannot hold."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class HiddenFieldError(FieldError):
    """The field is hidden from the caller, or there is none of this name: from outside there is no difference."""


class StaleError(CrmError):
    """A touched field no longer has the value that was seen when the change was proposed."""

    def __init__(self, conflicts: "list[Conflict]") -> None:
        super().__init__("changed since it was proposed: " + ", ".join(c.field for c in conflicts))
        self.conflicts = conflicts


class CursorError(CrmError):
    """The page cursor was not issued for this query."""


class TenantContextError(CrmError):
    """A session was opened, or a row touched, outside the tenant it belongs to."""


@dataclass(frozen=True)
class Conflict:
    """One touched field whose value moved on. `seen` and `current` are JSON values."""

    record_id: str
    field: str
    seen: object
    current: object


class ErasedError(CrmError):
    """Its key was shredded: what was kept there is lost for good, and nothing new is kept there."""

    def __init__(self, scope: str) -> None:
        what = {"thread": "this conversation", "person": "what was kept about this person"}.get(scope, "this tenant")
        super().__init__(f"{what} has been erased")
