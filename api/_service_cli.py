"""All commands that ask a running service, over its public interface and nothing else."""

import typer

from api import (
    _approvals_cli,
    _delegations_cli,
    _inbox_cli,
    _keys_cli,
    _ledger_cli,
    _mcp_cli,
    _outbox_cli,
    _policy_cli,
    _records_cli,
    _runs_cli,
    _schedules_cli,
    _sessions_cli,
    _settings_cli,
    _switch_cli,
    _triggers_cli,
    _users_cli,
    _webhooks_cli,
    _workflows_cli,
)
from api._options import Call

_GROUPS = {
    "approvals": _approvals_cli,
    "delegations": _delegations_cli,
    "inbox": _inbox_cli,
    "keys": _keys_cli,
    "ledger": _ledger_cli,
    "mcp": _mcp_cli,
    "outbox": _outbox_cli,
    "policy": _policy_cli,
    "runs": _runs_cli,
    "schedules": _schedules_cli,
    "sessions": _sessions_cli,
    "settings": _settings_cli,
    "switch": _switch_cli,
    "triggers": _triggers_cli,
    "users": _users_cli,
    "webhooks": _webhooks_cli,
    "workflows": _workflows_cli,
}


def add_service_commands(app: typer.Typer, call: Call) -> None:
    """`call` asks the service: method, path, url, who, and what the HTTP client takes."""
    for name, module in _GROUPS.items():
        app.add_typer(module.build(call), name=name)
    _records_cli.add_to(app, call)
