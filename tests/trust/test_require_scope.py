"""The case it exists for: a token that may read is used to write."""

import pytest

from tests.trust.acting import reads, staff, writes
from tools._catalogue import load_catalogue
from trust.decisions import Allow, Deny
from trust.guards.require_scope import require_scope
from trust.scopes import ALL_SCOPES, CRM_READ, CRM_SEND, CRM_WRITE


@pytest.mark.parametrize("scopes", [set(), {"crm"}, {"crm:*"}, {"*"}, {"CRM:READ"}, {"crm:read "}, {CRM_WRITE}])
def test_a_token_without_the_very_scope_reads_nothing(scopes: set[str]) -> None:
    assert require_scope(reads(), staff(scopes=frozenset(scopes))) == Deny(
        "require_scope", "query_records needs a token with scope 'crm:read'"
    )
    assert require_scope(reads(), staff(scopes=frozenset({CRM_READ}))) == Allow()


def test_reading_is_not_writing() -> None:
    assert isinstance(require_scope(writes(), staff(scopes=frozenset({CRM_READ}))), Deny)
    assert isinstance(require_scope(writes(), staff(scopes=frozenset({CRM_READ, CRM_WRITE}))), Allow)


def test_every_tool_asks_for_a_scope_that_exists() -> None:
    for tool in load_catalogue().values():
        assert tool.scope in ALL_SCOPES
        assert (tool.scope == CRM_WRITE) is (tool.effect in ("WRITE", "DRAFT")), tool.name
        assert (tool.scope == CRM_SEND) is (tool.effect == "SEND"), tool.name
