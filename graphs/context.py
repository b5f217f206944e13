"""What a run is given anew each time it starts or resumes; nothing of it is ever stored with the conversation."""

from dataclasses import dataclass, field
from datetime import date, datetime

from agents._agent import DomainAgent
from trust.outgoing import Outgoing
from trust.principal import Principal


@dataclass(frozen=True)
class RunContext:
    """On whose behalf, when, and under which limits. `now` is when the run started; `today` is the caller's day."""

    principal: Principal
    thread_id: str
    run_id: str
    now: datetime
    today: date
    instructions: str | None = None
    outgoing: Outgoing = field(default_factory=Outgoing)
    """What the tenant lets out to models."""
    foreign: tuple[DomainAgent, ...] = ()
    """The agents of the tenant's servers of others, with the tools that may be used today."""


@dataclass(frozen=True)
class Limits:
    """What one turn may use up before it is ended with an honest answer."""

    model_calls: int = 10
    tool_calls: int = 40
    calls_per_message: int = 12
    message_chars: int = 100_000
    result_chars: int = 60_000
    tool_timeout_s: float = 20
    model_timeout_s: float = 120
    model_retries: int = 2
