"""Code that a turn has run: on the tenant's budget, in the sandbox, and with an entry in the audit."""

from dataclasses import dataclass

from crm.database import Database
from graphs.context import RunContext
from tools._declare import ToolFailedError
from tools._sandbox.report import Report
from tools._sandbox.runner import Sandbox, SandboxBusyError, SandboxUnavailableError
from trust import audit
from trust.budgets import OverBudgetError, spend_code_run
from trust.digests import digest_of


@dataclass(frozen=True)
class CodeDesk:
    """Where code can be run at all, and how often a tenant may."""

    database: Database
    sandbox: Sandbox
    runs_per_day: int

    def for_run(self, context: RunContext) -> "RunningCode":
        return RunningCode(self, context)


@dataclass(frozen=True)
class RunningCode:
    """Implements `tools._declare.CodeRunner` for one run of the graph."""

    desk: CodeDesk
    context: RunContext

    async def run(self, code: str, tests: str | None) -> Report:
        """Raises: ToolFailedError with what stands in the way."""
        principal, at = self.context.principal, self.context.now
        try:
            async with self.desk.database.session(principal.tenant, write=True) as session:
                await spend_code_run(session, per_day=self.desk.runs_per_day, at=at)
            report = await self.desk.sandbox.run(code, tests)
        except (OverBudgetError, SandboxBusyError, SandboxUnavailableError) as error:
            raise ToolFailedError(str(error)) from None
        async with self.desk.database.session(principal.tenant, write=True) as session:
            await audit.record(
                session,
                at=at,
                kind="code.run",
                actor=principal.id,
                subject=self.context.run_id,
                payload={
                    "code": digest_of([code, tests]),
                    "verdict": report.verdict,
                    "stopped": None if report.stop is None else report.stop.kind,
                    "cpu_ms": report.cpu_ms,
                },
            )
        return report
