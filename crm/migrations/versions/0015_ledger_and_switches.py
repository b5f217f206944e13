"""What undoing needs of the ledger, kill switches, and the version of the graph that a conversation rests on.

Entries of before do not tell where the values that they replaced had come from; undoing them takes those values for an
outsider's.
"""

import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_BATCH = 2_000


def upgrade() -> None:
    op.add_column("ledger_entry", sa.Column("undoes", sa.String(length=36), nullable=True))
    op.create_index("ix_ledger_created", "ledger_entry", ["tenant", "created_at"])
    op.create_index("ix_ledger_undoes", "ledger_entry", ["tenant", "undoes"])
    op.add_column("thread", sa.Column("graph_version", sa.Integer(), nullable=False, server_default="1"))
    create_tables()
    connection = op.get_bind()
    fill_effects(connection)
    if connection.dialect.name == "postgresql":
        op.alter_column("thread", "graph_version", server_default=None)
        app_role = op.get_context().config.attributes["app_role"]
        for table in ("ledger_effect", "kill_switch"):
            wall.protect(connection, table, app_role)
        # Only the operator throws this one: the owner writes, the service reads.
        connection.exec_driver_sql(f"GRANT SELECT ON service_switch TO {wall.quote(connection, app_role)}")


def create_tables() -> None:
    op.create_table(
        "ledger_effect",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("entry_id", sa.String(length=36), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("object_name", sa.String(length=40), nullable=False),
        sa.Column("record_id", sa.String(length=18), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "entry_id", "place", name=op.f("pk_ledger_effect")),
    )
    op.create_index("ix_ledger_effect_record", "ledger_effect", ["tenant", "record_id", "version"])
    op.create_table(
        "kill_switch",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        *switch_columns(),
        sa.PrimaryKeyConstraint("tenant", "scope", "name", name=op.f("pk_kill_switch")),
    )
    op.create_table(
        "service_switch",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        *switch_columns(),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_service_switch")),
    )


def switch_columns() -> Iterator[sa.Column[object]]:
    yield sa.Column("is_on", sa.Boolean(), nullable=False)
    yield sa.Column("reason", sa.String(length=500), nullable=False)
    yield sa.Column("changed_by", sa.String(length=60), nullable=False)
    yield sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False)
    yield sa.Column("until", sa.DateTime(timezone=True), nullable=True)


def fill_effects(connection: sa.Connection) -> None:
    """From the entries that are there already. The owner looks past the wall for it, inside this transaction."""
    entries = sa.table("ledger_entry", *(sa.column(name) for name in ("tenant", "entry_id", "effects", "status")))
    names = ("tenant", "entry_id", "place", "object_name", "record_id", "version")
    effects = sa.table("ledger_effect", *(sa.column(name) for name in names))
    applied = sa.select(entries).where(entries.c.status == "applied")
    with wall.looked_past(connection, "ledger_entry"):
        for batch in connection.execute(applied).partitions(_BATCH):
            rows = [row for entry in batch for row in rows_of(entry)]
            if rows:
                connection.execute(sa.insert(effects), rows)


def rows_of(entry: sa.Row[tuple[object, ...]]) -> Iterator[dict[str, object]]:
    effects = json.loads(entry.effects) if isinstance(entry.effects, str) else entry.effects
    for place, one in enumerate(effects):
        yield {
            "tenant": entry.tenant,
            "entry_id": entry.entry_id,
            "place": place,
            "object_name": one["object"],
            "record_id": one["id"],
            "version": one["version"],
        }
