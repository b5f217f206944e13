"""What the CRM is built of, and what its documentation says."""

import re
from collections.abc import Iterator
from typing import Any, Literal

from crm.description import FieldDescription, ObjectDescription
from tools._declare import Arguments, Result, ToolContext, ToolRetryError, argument, output, tool
from tools._manual import Section, find_passages, load_manual
from trust import telemetry
from trust.actions import Effect
from trust.scopes import CRM_READ

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")
_SHARING = {
    "Private": "records of others are private",
    "Read": "everybody may read all records",
    "ReadWrite": "everybody may read and change all records",
    "ControlledByParent": "a record is seen by those who see its parent",
}


class DescribeObject(Arguments):
    object: str = argument("Kind of record by its API name, such as Account, Opportunity or Case.", max_length=60)
    field: str | None = argument(
        "Only this field, by its API name, such as Status, StageName or Priority.", default=None, max_length=80
    )


class FieldLine(Result):
    name: str = output("API name of the field.")
    label: str = output("The name in words.")
    type: str = output("What it holds: text, picklist, money, date, reference and so on.")
    picklist_values: list[str] = output("Values of a picklist; empty if any are taken or it is none.")
    refers_to: list[str] = output("Kinds of record that a reference points to.")
    required: bool = output("Whether a record needs it.")
    you_may_change_it: bool = output("Whether you may ever put a value into it.")
    max_length: int | None = output("Most characters of a text.")
    meaning: str = output("What it is for.")


class ObjectDetails(Result):
    summary: str = output("The object in a few sentences.")
    object: str = output("API name of the object.")
    meaning: str = output("What a record of this kind stands for.")
    id_prefix: str = output("First three characters of its record ids.")
    you_may: list[str] = output("What you may do with records of this kind.")
    sharing: str = output("Who sees records of others by default.")
    fields: list[FieldLine] = output("Fields that you may read.")
    related_objects: list[str] = output("Kinds of record that point to it, as Object.Field.")


@tool(effect=Effect.READ, scope=CRM_READ)
async def describe_object(ctx: ToolContext, args: DescribeObject) -> ObjectDetails:
    """Describe the schema of one object: its fields with API names, types, picklist values, required fields,
    relationships, and your rights. Only what you may see.

    Allowed values, what values, picklist values, which fields, API names, API names of the fields.

    People say: what fields does <object> have; what fields do <object> have; which fields does <object> have; what is
    on the <object> object/record; what is on <object>; what does <object> have/hold/store; what do we store/keep/record
    on/about <object>; what columns/attributes does <object> have; what does <object> look like; show me the fields of
    <object>; how is <object> built/structured/defined.
    """
    description = await ctx.crm.describe(args.object)
    fields = description.fields
    if args.field is not None:
        fields = tuple(one for one in fields if one.name.lower() == (args.field or "").lower())
        if not fields:
            raise ToolRetryError(
                f"field: {description.name} has no field {args.field[:60]!r} that you can read;"
                f" expected one of {', '.join(one.name for one in description.fields)}"
            )
    return ObjectDetails(
        summary=_outline(description) if args.field is None else f"{_field_text(description, fields[0])}",
        object=description.name,
        meaning=description.description,
        id_prefix=description.prefix,
        you_may=list(description.may),
        sharing=_SHARING[description.sharing],
        fields=[_line(one) for one in fields],
        related_objects=[f"{name}.{field}" for name, field in description.children],
    )


class SearchDocumentation(Arguments):
    query: str = argument("The question, or words to look for.", min_length=1, max_length=1000)
    about: Literal["everything", "schema", "manual"] = argument(
        "Where to look.",
        default="everything",
        options={
            "everything": "both of them",
            "schema": "objects, fields and picklist values of this CRM, as far as you may see them",
            "manual": "how this service works: approvals, policy, audit, tools, deployment, the sandbox",
        },
    )
    limit: int = argument("How many passages to return.", default=4, ge=1, le=10)


class DocumentPassage(Result):
    source: str = output("Where it stands, to cite it by: a page and heading, or a part of the schema.")
    title: str = output("Heading.")
    passage: str = output("The passage that fits best.")
    score: float = output("Fit, from 0 to 1.")


class DocumentPassages(Result):
    summary: str = output("The passage that fits best, with its source.")
    passages: list[DocumentPassage] = output("Best first; empty if nothing fits.")
    total: int = output("How many are returned.")


@tool(effect=Effect.READ, scope=CRM_READ)
async def search_documentation(ctx: ToolContext, args: SearchDocumentation) -> DocumentPassages:
    """Search the documentation for developers and administrators: the manual of this service and the schema of this
    CRM. Cite the source of what you rely on. How does it work, how do they work, how is it set up.
    """
    with telemetry.step("retrieval", {telemetry.OPERATION: "retrieval", telemetry.SOURCE: "documentation"}):
        sections: list[Section] = []
        if args.about != "schema":
            sections += load_manual()
        if args.about != "manual":
            for name in await ctx.crm.list_objects():
                sections += _sections_of(await ctx.crm.describe(name))
        found = find_passages(sections, args.query, args.limit)
    passages = [
        DocumentPassage(source=one.source, title=one.title, passage=one.text, score=round(one.score, 3))
        for one in found
    ]
    summary = f"{found[0].text} ({found[0].source})" if found else "The documentation says nothing about this."
    return DocumentPassages(summary=summary, passages=passages, total=len(passages))


def _sections_of(description: ObjectDescription) -> Iterator[Section]:
    """The object, and each of its fields by itself."""
    yield Section(f"schema:{description.name}", _words(description.name), _outline(description))
    for one in description.fields:
        title = f"{_words(description.name)} {one.name} {_words(one.name)}"
        yield Section(f"schema:{description.name}.{one.name}", title, _field_text(description, one))


def _outline(description: ObjectDescription) -> str:
    names = ", ".join(one.name for one in description.fields)
    required = [one.name for one in description.fields if one.spec.is_required]
    needs = f" A record needs {', '.join(required)}." if required else ""
    may = ", ".join(description.may)
    return (
        f"{description.name}: {description.description} It has {len(description.fields)} fields that you may read:"
        f" {names}.{needs} You may {may} such records; by default {_SHARING[description.sharing]}."
    )


def _field_text(description: ObjectDescription, one: FieldDescription) -> str:
    spec = one.spec
    parts = [f"{description.name}.{one.name} is a {spec.kind.value.replace('_', ' ')} field."]
    if spec.description:
        parts.append(spec.description)
    if spec.values:
        parts.append(f"Its picklist values are {', '.join(spec.values)}.")
    if spec.targets:
        parts.append(f"It refers to {' or '.join(spec.targets)}.")
    if spec.is_required:
        parts.append("It is required.")
    parts.append("You may change it." if one.may_write else "You may not change it.")
    return " ".join(parts)


def _line(one: FieldDescription) -> FieldLine:
    given: dict[str, Any] = {
        "name": one.name,
        "label": _words(one.name),
        "type": one.spec.kind.value,
        "picklist_values": list(one.spec.values),
        "refers_to": list(one.spec.targets),
        "required": one.spec.is_required,
        "you_may_change_it": one.may_write,
        "max_length": one.max_length,
        "meaning": one.spec.description,
    }
    return FieldLine(**given)


def _words(name: str) -> str:
    """`StageName` as `Stage Name`, `IssueId__c` as `Issue Id`."""
    return " ".join(part for part in _HUMP.split(name.removesuffix("__c").removesuffix("__kav")) if part)
