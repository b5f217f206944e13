"""What may stand in a request when somebody edits it: arguments of its tool, and fields of the record it is about.

A hint for whoever draws a form. The edited request goes through all guards as a new one, with its requester's rights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm.database import TenantSession
from crm.description import FieldDescription, describe
from crm.errors import ObjectRightError
from crm.fields import NUMERIC, Kind
from crm.repositories import approvals as rows
from crm.repositories import runs
from crm.work import Approval
from graphs._foreign import load_foreign
from graphs._threads import Threads
from tools._declare import Tool
from trust.approvals import ApprovalClosedError, NotEntitledError, find_seen
from trust.principal import Principal, load_principal
from trust.standing import list_ways

_FORMATS = {Kind.DATE: "date", Kind.DATETIME: "date-time", Kind.EMAIL: "email"}


@dataclass(frozen=True)
class EditableField:
    """A field that may be given a value. `schema`: JSON Schema of the value, with `x-object` where it is the id of a
    record of that kind."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Editable:
    """`parameters`: JSON Schema of all arguments. `fields`: by argument that holds fields of a record with values."""

    parameters: Mapping[str, Any]
    fields: Mapping[str, Sequence[EditableField]]


@dataclass(frozen=True)
class Editing(Threads):
    """Looks with the eyes of whoever would edit, at what the requester may write."""

    async def find_editable(self, principal: Principal, approval_id: str) -> Editable:
        """Raises: ApprovalNotFoundError, NotEntitledError, ApprovalClosedError, UnknownCallerError."""
        now = self.runner.clock()
        async with self._session(principal) as session:
            crm = self.runner.desk.crm_for(session, principal, now)
            approval = await find_seen(session, approval_id, principal, crm, at=now)
            if approval.status != "pending":
                raise ApprovalClosedError(f"this request is already {approval.status}")
            if "edit" not in list_ways(approval, await rows.list_votes(session, approval_id), principal, at=now):
                raise NotEntitledError("you may not edit this request")
            tool = await self._find_tool(session, approval)
            origin = await runs.find(session, approval.run_id)
            scopes = frozenset(origin.request["scopes"]) if origin else frozenset()
            requester = await load_principal(session, approval.requester, scopes, at=now)
        return Editable(
            parameters=tool.schema["function"]["parameters"],
            fields={
                name: _fields_for(tool, str(approval.arguments.get(kind)), editor=principal, requester=requester)
                for name, kind in tool.field_arguments.items()
            },
        )

    async def _find_tool(self, session: TenantSession, approval: Approval) -> Tool:
        """Raises: ApprovalClosedError."""
        foreign = {tool.name: tool for agent in await load_foreign(session) for tool in agent.tools}
        tool = self.runner.desk.catalogue.get(approval.tool) or foreign.get(approval.tool)
        if tool is None:
            raise ApprovalClosedError("the tool that this request is for is no longer there")
        return tool


def _fields_for(tool: Tool, object_name: str, *, editor: Principal, requester: Principal) -> list[EditableField]:
    """What the requester may write and the editor may see: nobody can decide on what they do not see."""
    is_new = any(operation == "create" for operation, _ in tool.changes)
    try:
        seen = {one.name for one in describe(editor.access, object_name).fields}
        theirs = describe(requester.access, object_name).fields
    except ObjectRightError:
        return []
    return [
        EditableField(one.name, _schema_of(one))
        for one in theirs
        if one.may_write and one.name in seen and (is_new or not one.spec.is_create_only)
    ]


def _schema_of(field: FieldDescription) -> dict[str, Any]:
    spec = field.spec
    schema: dict[str, Any] = {"description": spec.description} if spec.description else {}
    if spec.kind is Kind.BOOLEAN:
        return {**schema, "type": "boolean"}
    if spec.kind is Kind.INTEGER:
        return {**schema, "type": "integer"}
    if spec.kind in NUMERIC:
        return {**schema, "type": "number"}
    schema["type"] = "string"
    if spec.values:
        schema["enum"] = list(spec.values)
    if spec.kind in _FORMATS:
        schema["format"] = _FORMATS[spec.kind]
    if len(spec.targets) == 1:
        [schema["x-object"]] = spec.targets
    if field.max_length is not None:
        schema["maxLength"] = field.max_length
    return schema
