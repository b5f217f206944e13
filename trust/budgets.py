"""Counts what models are asked, and refuses when a day, a person or a run has used its share."""

from datetime import UTC, datetime, time, timedelta

from crm.database import TenantSession
from crm.repositories import outgoing as rows
from trust.outgoing import Allowance, Outgoing

_CODE = "code"
_WHOSE = {"tenant": "your organisation's", "user": "your", "run": "this request's"}


class OverBudgetError(Exception):
    """A budget is used up. The message names it and says when it starts anew; `resets_at` is None if it never does."""

    def __init__(self, message: str, resets_at: datetime | None) -> None:
        super().__init__(message)
        self.resets_at = resets_at


async def spend(
    session: TenantSession, rules: Outgoing, *, user: str, run: str, at: datetime, calls: int, tokens: int
) -> None:
    """Count before the model is asked. Raises: OverBudgetError; the caller's transaction must then be rolled back.

    Counting tells what is counted: whoever comes at the same moment waits for the row, and sees it.
    """
    day = at.astimezone(UTC).date()
    allowances = rules.allowances(user, run)
    used = await rows.add_usage(session, day, list(allowances), calls=calls, tokens=tokens)
    for account, allowance in allowances.items():
        used_calls, used_tokens = used[account]
        _check(account, allowance, calls=used_calls - calls, tokens=used_tokens - tokens, at=at)


async def settle(session: TenantSession, rules: Outgoing, *, user: str, run: str, at: datetime, tokens: int) -> None:
    """Put right what was counted before: `tokens` more, or fewer if negative."""
    day = at.astimezone(UTC).date()
    await rows.add_usage(session, day, list(rules.allowances(user, run)), calls=0, tokens=tokens)


async def spend_code_run(session: TenantSession, *, per_day: int, at: datetime) -> None:
    """Count a run of generated code for the tenant. Raises: OverBudgetError; then the transaction is rolled back."""
    day = at.astimezone(UTC).date()
    used, _ = (await rows.add_usage(session, day, [_CODE], calls=1, tokens=0))[_CODE]
    if used > per_day:
        resets_at = _next_day(at)
        raise OverBudgetError(
            f"your organisation's budget for running code is used up ({per_day:,} runs a day);"
            f" it starts anew at {resets_at:%Y-%m-%dT%H:%MZ}",
            resets_at,
        )


def _check(account: str, allowance: Allowance, *, calls: int, tokens: int, at: datetime) -> None:
    for unit, used, limit in (("calls", calls, allowance.calls), ("tokens", tokens, allowance.tokens)):
        if limit is not None and used >= limit:
            kind = account.partition(":")[0]
            resets_at = None if kind == "run" else _next_day(at)
            when = (
                "a new request starts a new one"
                if resets_at is None
                else f"it starts anew at {resets_at:%Y-%m-%dT%H:%MZ}"
            )
            raise OverBudgetError(
                f"{_WHOSE[kind]} model budget is used up ({used:,} of {limit:,} {unit}); {when}", resets_at
            )


def _next_day(at: datetime) -> datetime:
    return datetime.combine(at.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
