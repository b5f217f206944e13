"""Runs migrations on the connection that `crm.migrate` has opened, in the transaction it has begun."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.types import TypeDecorator

from crm import (  # noqa: F401 - they declare tables
    conversation,
    data_keys,
    directory,
    foreign,
    inbox,
    mailing,
    metrics,
    outgoing,
    personal,
    policies,
    provenance,
    retention,
    rights,
    scheduling,
    sign_in,
    switches,
    webhooks,
    work,
)
from crm.migrations.history import is_declared
from crm.records import Record


def render_stored_type(type_: str, value: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write a column type of ours as what the database stores, so that a revision stays true when our type changes."""
    if type_ == "type" and isinstance(value, TypeDecorator):
        return f"sa.{value.impl!r}"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Record.metadata,
    transactional_ddl=True,
    include_name=is_declared,
    render_item=render_stored_type,
)
with context.begin_transaction():
    context.run_migrations()
