"""The part of somebody else's JSON Schema that is shown to models and checked here: known words, within bounds.

What is left out only lets more through to the server, which checks its arguments itself. Patterns and formats are left
out because checking them may take for ever, references because they may lead elsewhere.
"""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from tools._declare import ToolRetryError

_SIMPLE = frozenset(
    "type const default minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength minItems maxItems".split()
)
_TYPES = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})
_DEEPEST, _MOST = 6, 60


class SchemaError(Exception):
    """The schema cannot be used; the message says why."""


def plain_schema(given: Any) -> dict[str, Any]:
    """The schema of an object with named arguments. Raises: SchemaError."""
    if not isinstance(given, Mapping) or given.get("type") != "object":
        raise SchemaError("expected the schema of an object")
    root = given.get("$defs") or given.get("definitions") or {}
    plain = _plain(given, root if isinstance(root, Mapping) else {}, 0)
    plain["additionalProperties"] = False
    plain.setdefault("properties", {})
    return plain


def _plain(node: Any, defs: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise SchemaError(f"expected at most {_DEEPEST} levels")
    if not isinstance(node, Mapping):
        return {}
    reference = node.get("$ref")
    if isinstance(reference, str):
        return _plain(defs.get(reference.rpartition("/")[2]), defs, depth + 1)
    found: dict[str, Any] = {key: node[key] for key in _SIMPLE if _is_simple(node.get(key))}
    kinds = node.get("type")
    if isinstance(kinds, list) and kinds and all(kind in _TYPES for kind in kinds):
        found["type"] = kinds
    elif kinds not in _TYPES:
        found.pop("type", None)
    if isinstance(node.get("enum"), list) and all(_is_simple(one) for one in node["enum"][:_MOST]):
        found["enum"] = node["enum"][:_MOST]
    if isinstance(node.get("description"), str):
        found["description"] = node["description"][:300]
    if isinstance(node.get("properties"), Mapping):
        names = list(node["properties"])[:_MOST]
        found["properties"] = {str(one)[:60]: _plain(node["properties"][one], defs, depth + 1) for one in names}
        if isinstance(node.get("required"), list):
            found["required"] = [one for one in node["required"] if one in found["properties"]]
    if "items" in node:
        found["items"] = _plain(node["items"], defs, depth + 1)
    if isinstance(node.get("anyOf"), list):
        found["anyOf"] = [_plain(one, defs, depth + 1) for one in node["anyOf"][:8]]
    return found


def _is_simple(value: Any) -> bool:
    return isinstance(value, str | int | float | bool) and len(str(value)) <= 200


def check_arguments(name: str, schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Raises: ToolRetryError, naming each argument and what was expected."""
    faults = [
        f"{'.'.join(map(str, one.absolute_path)) or 'arguments'}: {one.message[:200]}"
        for one in Draft202012Validator(dict(schema)).iter_errors(dict(arguments))
    ]
    if faults:
        raise ToolRetryError(f"{name}: {'; '.join(faults[:5])}")
