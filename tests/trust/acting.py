"""Actions and principals for tests of guards: all that a guard looks at, and nothing that it would have to load."""

from typing import Any

from crm.access import Access, Caller
from crm.connector import Change, FieldChange
from crm.ids import ContactId, TenantId, UserId
from trust.actions import Action, Effect
from trust.principal import Principal
from trust.scopes import ALL_SCOPES, CRM_READ, CRM_WRITE

ACME, GLOBEX = TenantId("acme"), TenantId("globex")
DANA, MARA = UserId("005CS00000000000AA"), UserId("005CS00000000001AA")
ANN = ContactId("003CS00000000000AA")
RECORD = "006CS00000000000AA"


def staff(
    *,
    tenant: TenantId = ACME,
    user: UserId = DANA,
    scopes: frozenset[str] = ALL_SCOPES,
    objects: dict[str, str] | None = None,
    fields: dict[str, dict[str, str]] | None = None,
) -> Principal:
    return Principal(
        Access(
            Caller(tenant, user_id=user),
            "Dana",
            objects={name: frozenset(letters) for name, letters in (objects or {}).items()},
            fields={n: {f: frozenset(x) for f, x in fs.items()} for n, fs in (fields or {}).items()},
        ),
        scopes,
    )


def customer(tenant: TenantId = ACME) -> Principal:
    return Principal(Access(Caller(tenant, contact_id=ANN), "Ann Poe"), ALL_SCOPES)


def reads(**more: Any) -> Action:
    return _action(**{"effect": Effect.READ, "tool": "query_records", "scope": CRM_READ, **more})


def writes(*changes: Change, **more: Any) -> Action:
    """Without changes: what they would be is not yet known."""
    given = {"effect": Effect.WRITE, "tool": "update_record", "scope": CRM_WRITE, **more}
    return _action(changes=changes or None, **given)


def _action(**given: Any) -> Action:
    usual: dict[str, Any] = {
        "arguments": {"object": "Opportunity"},
        "schema_hash": "0" * 64,
        "tenant": ACME,
        "agent": "sales",
        "agent_tools": frozenset({"query_records", "update_record"}),
    }
    return Action(**{**usual, **given})


def update(object_name: str, record: str = RECORD, **fields: Any) -> Change:
    return Change("update", object_name, record, "a name", _fields(fields))


def create(object_name: str, record: str = RECORD, **fields: Any) -> Change:
    return Change("create", object_name, record, "a name", _fields(fields))


def _fields(fields: dict[str, Any]) -> tuple[FieldChange, ...]:
    return tuple(FieldChange(name, None, value) for name, value in fields.items())
