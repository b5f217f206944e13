"""Changes to a tenant's approval rules that were proposed like any write: countersigned first, then a new version."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from crm.connector import Change
from crm.database import TenantSession
from crm.errors import CrmError
from crm.repositories.access import load_names
from trust import policy_book
from trust.approval_rules import MAX_RULES, ApprovalRule, named_in
from trust.policy_book import PolicyConflictError
from trust.principal import Principal
from trust.tenant_policy import TenantPolicy

OBJECT: Final = "PolicyChange__c"


@dataclass(frozen=True)
class PolicyPlan:
    """What a change would come to. The counts are None for those who may not look at the requests of others."""

    version: int
    looked_at: int | None = None
    changed: int | None = None
    examples: tuple[str, ...] = ()
    """Past requests of which something else would have been asked, by id."""


async def put_in(session: TenantSession, change: Change, principal: Principal, *, at: datetime) -> None:
    """Make the version that a countersigned change asks for, in the transaction that writes the change down.

    Changes of other kinds of record are nothing to it. Raises: CrmError.
    """
    if change.object_name != OBJECT:
        return
    if change.operation != "create":
        raise CrmError("what was changed in the policy stays written down; an administrator can go back to any version")
    values = {one.field: one.new for one in change.fields}
    current = await policy_book.load_current(session)
    changed = await draft_change(session, current, values)
    try:
        await policy_book.put(
            session,
            changed,
            based_on=int(values["BasedOn__c"]),
            by=principal.id,
            note=str(values["Name"]),
            at=at,
            kind="policy.changed",
        )
    except PolicyConflictError as error:
        raise CrmError(str(error)) from None


async def draft_change(session: TenantSession, current: TenantPolicy, values: Mapping[str, Any]) -> TenantPolicy:
    """The policy with the change made. Raises: CrmError, naming what was expected."""
    rule_id = str(values["RuleId__c"])
    others = tuple(one for one in current.rules if one.id != rule_id)
    has_it = len(others) < len(current.rules)
    if values["Operation__c"] == "Remove":
        if not has_it:
            raise CrmError(f"RuleId__c: there is no approval rule {rule_id[:60]!r}")
        return replace(current, rules=others)
    if has_it:
        raise CrmError(
            f"RuleId__c: there is an approval rule {rule_id[:60]!r} already: choose another id, or remove it"
        )
    if len(others) >= MAX_RULES:
        raise CrmError(f"there are {MAX_RULES} approval rules already")
    rule = read_rule(str(values.get("Rule__c") or ""))
    if rule.id != rule_id:
        raise CrmError("RuleId__c: expected the id that the rule has")
    await _require_known(session, rule)
    return replace(current, rules=(*others, rule))


def read_rule(text: str) -> ApprovalRule:
    """Raises: CrmError for the first fault."""
    try:
        return ApprovalRule.model_validate(json.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CrmError(f"Rule__c.{where}: {first['msg']}") from None
    except (ValueError, RecursionError):
        raise CrmError("Rule__c: expected an approval rule as JSON") from None


async def _require_known(session: TenantSession, rule: ApprovalRule) -> None:
    """A rule that names somebody who is not there would ask for what nobody can give."""
    known = await load_names(session)
    for place, kind, name in named_in([rule]):
        where = place.partition(".")[2]
        if kind not in known:
            raise CrmError(f"Rule__c.{where}: rules about a {kind} are put in by an administrator")
        if name not in known[kind]:
            raise CrmError(f"Rule__c.{where}: there is no {kind} {name!r} here")
