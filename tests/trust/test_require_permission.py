"""The case it exists for: somebody who may read the schema has code run on the service's machine."""

from dataclasses import replace

from tests.trust.acting import reads, staff
from trust.decisions import Allow, Deny
from trust.guards.require_permission import require_permission


def test_a_tool_that_asks_for_a_permission_is_for_those_who_have_it() -> None:
    action = reads(tool="run_code", permission="run_code")
    denied = Deny("require_permission", "run_code needs the permission 'run_code'")
    anybody = staff()
    assert require_permission(action, anybody) == denied
    for near in ("run_code ", "RUN_CODE", "*", "approve_writes"):
        given = replace(anybody.access, permissions=frozenset({near}))
        assert require_permission(action, replace(anybody, access=given)) == denied
    given = replace(anybody.access, permissions=frozenset({"run_code"}))
    assert require_permission(action, replace(anybody, access=given)) == Allow()


def test_others_ask_for_none() -> None:
    assert require_permission(reads(), staff()) == Allow()
