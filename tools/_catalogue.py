"""All tools there are, found by importing the modules of this package; checked once, when the program starts."""

import importlib
import pkgutil
from functools import cache

import tools
from tools._declare import Tool


class CatalogueError(Exception):
    """Two tools of one name, or a declaration that does not hold together. The program does not start."""


@cache
def load_catalogue() -> dict[str, Tool]:
    """Tool name -> tool, sorted by name. Raises: CatalogueError."""
    found: dict[str, Tool] = {}
    for module in pkgutil.iter_modules(tools.__path__):
        if module.name.startswith("_"):
            continue
        for value in vars(importlib.import_module(f"tools.{module.name}")).values():
            if isinstance(value, Tool) and value.module == f"tools.{module.name}":
                _check(value, found)
                found[value.name] = value
    return dict(sorted(found.items()))


def _check(tool: Tool, found: dict[str, Tool]) -> None:
    if tool.name in found:
        raise CatalogueError(f"tool {tool.name!r} is declared in {found[tool.name].module} and in {tool.module}")
    if not tool.description:
        raise CatalogueError(f"tool {tool.name!r} has no description")
    for name, field in tool.arguments.model_fields.items():
        if not field.description:
            raise CatalogueError(f"tool {tool.name!r}: argument {name!r} has no description")
        if name in ("tenant", "tenant_id"):
            raise CatalogueError(f"tool {tool.name!r}: the tenant is never an argument")


def describe_catalogue() -> str:
    """`docs/tools.md`: every tool with its effect, scope, arguments and result."""
    parts = ["# Tools", "", "Made by `make catalog` from the declarations in `tools/`; do not edit.", ""]
    for tool in load_catalogue().values():
        caller = "staff and customers" if tool.for_customers else "staff"
        parts += [f"## {tool.name}", "", tool.description, ""]
        needed = f" · permission `{tool.permission}`" if tool.permission else ""
        parts += [f"{tool.effect} · scope `{tool.scope}`{needed} · {caller} · `{tool.module}`", ""]
        parts += ["| argument | required | source | personal | meaning |", "|---|---|---|---|---|"]
        for name, field in tool.arguments.model_fields.items():
            extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
            required = "yes" if field.is_required() else "no"
            personal = "yes" if extra.get("personal") else "no"
            meaning = (field.description or "").replace("\n", "<br>")
            parts.append(f"| `{name}` | {required} | {extra.get('source')} | {personal} | {meaning} |")
        parts.append("")
        if tool.result is not None:
            parts += ["| result | integrity | meaning |", "|---|---|---|"]
            for name, field in tool.result.model_fields.items():
                extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
                parts.append(f"| `{name}` | {extra.get('integrity')} | {field.description} |")
        else:
            parts.append("Proposes a change; the result is what the ledger read back after it was applied.")
        parts.append("")
    return "\n".join(parts)
