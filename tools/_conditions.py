"""Conditions and other words that go into code or rules, checked against the schema that the caller may see."""

from typing import Any

from crm.connector import Filter
from crm.description import ObjectDescription
from crm.fields import FieldSpec
from crm.value_conditions import ValueCondition, read_condition
from tools._declare import ToolRetryError
from trust.handles import HANDLE, leaves


def refuse_handles(arguments: dict[str, Any]) -> None:
    """What comes of them is shown to the model again, so nothing may get in that it was not shown.

    The arguments are declared to take handles, so that none was replaced by the words behind it.
    """
    for path, value in leaves(arguments):
        if isinstance(value, str) and HANDLE.search(value):
            raise ToolRetryError(f"{path[0]}: expected plain text; a handle for outside text cannot be used here")


def spec_of_field(name: str, description: ObjectDescription) -> FieldSpec:
    """Raises: ToolRetryError, in the same words whether the field is hidden or does not exist."""
    found = description.field(name)
    if found is None:
        raise ToolRetryError(
            f"{description.name} has no field {name[:60]!r} that you can read;"
            f" expected one of {', '.join(one.name for one in description.fields)}"
        )
    return found.spec


def read_field_condition(one: Filter, description: ObjectDescription) -> ValueCondition:
    """Raises: FieldError, ToolRetryError."""
    return read_condition(spec_of_field(one.field, description), one)
