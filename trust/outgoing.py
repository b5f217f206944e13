"""What a tenant lets out to models: which model, which texts, how much. Read as a run starts, changed by admins."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal

from phonenumbers import SUPPORTED_REGIONS

from crm.database import TenantSession
from crm.outgoing import GatewayRules
from crm.repositories import outgoing as rows
from trust import audit
from trust.masking.masker import Policy
from trust.principal import Principal


class RulesError(Exception):
    """The rules contradict each other; the message says how, `field` which of them has to change."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Allowance:
    """How much may be used; None is no limit. Days are UTC days."""

    tokens: int | None
    calls: int | None


@dataclass(frozen=True)
class Outgoing:
    """The rules of one tenant. The defaults hold until an admin decides otherwise."""

    model: Literal["provider", "offline"] = "provider"
    """`offline`: nothing leaves; the service's own model answers."""
    personal: Literal["masked", "clear"] = "masked"
    """`clear` is for the service's own model only."""
    outside_text: Literal["send", "withhold"] = "send"
    record_text: Literal["send", "withhold"] = "send"
    phone_region: str | None = None
    """Country (ISO 3166, two letters) whose telephone numbers are known without their country code."""
    tenant_tokens_per_day: int | None = 50_000_000
    tenant_calls_per_day: int | None = 50_000
    user_tokens_per_day: int | None = 5_000_000
    user_calls_per_day: int | None = 5_000
    run_tokens: int | None = 1_000_000
    run_calls: int | None = 100

    def check(self) -> None:
        """Raises: RulesError."""
        if self.personal == "clear" and self.model != "offline":
            told = "personal: a provider's model is never sent personal values in clear; expected 'masked'"
            raise RulesError(told, field="personal")
        if self.phone_region is not None and self.phone_region not in SUPPORTED_REGIONS:
            told = f"phone_region: there is no region {self.phone_region!r}; expected one such as 'US'"
            raise RulesError(told, field="phone_region")

    @property
    def policy(self) -> Policy:
        """How prompts are masked. A provider never gets personal values, whatever the row says."""
        return Policy(
            personal=self.personal == "masked" or self.model == "provider",
            withhold_outside=self.outside_text == "withhold",
            withhold_records=self.record_text == "withhold",
            region=self.phone_region,
        )

    def allowances(self, user: str, run: str) -> dict[str, Allowance]:
        """Account -> what it may use: on a day, or for the run in all."""
        return {
            "tenant": Allowance(self.tenant_tokens_per_day, self.tenant_calls_per_day),
            f"user:{user}": Allowance(self.user_tokens_per_day, self.user_calls_per_day),
            f"run:{run}": Allowance(self.run_tokens, self.run_calls),
        }


async def load_outgoing(session: TenantSession) -> Outgoing:
    """The tenant's rules as they stand."""
    row = await rows.find_rules(session)
    return Outgoing() if row is None else _read(row.rules)


async def change_outgoing(
    session: TenantSession, principal: Principal, changes: Mapping[str, Any], *, at: datetime
) -> Outgoing:
    """The rules with some of them changed, stored; the audit tells what they were and are. Raises: RulesError."""
    row = await rows.find_rules(session, for_update=True)
    before = Outgoing() if row is None else _read(row.rules)
    rules = replace(before, **changes)
    rules.check()
    if row is None:
        session.add(GatewayRules(rules=asdict(rules), changed_by=principal.id, changed_at=at))
    else:
        row.rules, row.changed_by, row.changed_at = asdict(rules), principal.id, at
    old, new = asdict(before), asdict(rules)
    changed = {name: {"old": old[name], "new": new[name]} for name in new if old[name] != new[name]}
    if changed:
        await audit.record(
            session, at=at, kind="gateway.changed", actor=principal.id, subject="gateway", payload={"changed": changed}
        )
    return rules


def _read(stored: Mapping[str, Any]) -> Outgoing:
    known = {one.name for one in fields(Outgoing)}
    return Outgoing(**{name: value for name, value in stored.items() if name in known})
