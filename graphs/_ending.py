"""What a run has come to, entered into the audit by the process that holds its lease."""

from collections.abc import Mapping
from typing import Any

from crm.database import TenantSession
from graphs.context import RunContext
from graphs.lease import require_lease
from trust import audit


async def enter_end(session: TenantSession, context: RunContext, kind: str, payload: Mapping[str, Any]) -> None:
    """In the caller's transaction. Raises: LeaseLostError."""
    await require_lease(session)
    await audit.record(
        session, at=context.now, kind=kind, actor=context.principal.id, subject=context.run_id, payload=payload
    )
