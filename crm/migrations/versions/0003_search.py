"""Indexes for approximate names and full text."""

from alembic import op

from crm.migrations import search

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        search.build_on_postgresql(op.get_bind(), op.get_context().config.attributes["app_role"])
    else:
        search.build_on_sqlite(op.get_bind())
