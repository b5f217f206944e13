"""An index of personal values, what each tenant lets out to models, and what it has used."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall
from crm.personal import rows_of

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BATCH = 2_000
_PERSONAL = {
    "EmailMessage": ("FromAddress", "CcAddress"),
    "User": ("Username", "Alias", "FirstName", "LastName", "Email", "Phone"),
    "Contact": ("FirstName", "LastName", "Email", "Phone"),
    "Lead": ("FirstName", "LastName", "Email", "Phone"),
    "LiveChatTranscript": ("LiveChatVisitorId",),
}


def upgrade() -> None:
    _create_tables()
    connection = op.get_bind()
    fill_index(connection)
    if connection.dialect.name == "postgresql":
        app_role = op.get_context().config.attributes["app_role"]
        for table in ("personal_value", "gateway_rules", "model_usage"):
            wall.protect(connection, table, app_role)


def _create_tables() -> None:
    op.create_table(
        "personal_value",
        sa.Column("tenant", sa.String(40), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("object_name", sa.String(40), nullable=False),
        sa.Column("record_id", sa.String(18), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", "kind", "object_name", "record_id", name="pk_personal_value"),
    )
    op.create_index("ix_personal_value_record", "personal_value", ["tenant", "object_name", "record_id"])
    op.create_table(
        "gateway_rules",
        sa.Column("tenant", sa.String(40), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("changed_by", sa.String(18), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_gateway_rules"),
    )
    op.create_table(
        "model_usage",
        sa.Column("tenant", sa.String(40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("account", sa.String(48), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "day", "account", name="pk_model_usage"),
    )


def fill_index(connection: sa.Connection) -> None:
    """From the records that are there already. The owner looks past the wall for it, inside this transaction."""
    index = sa.table(
        "personal_value", *(sa.column(name) for name in ("tenant", "key", "kind", "object_name", "record_id"))
    )
    for object_name, fields in _PERSONAL.items():
        table = object_name.lower()
        with _past_the_wall(connection, table):
            columns = ("tenant", "Id", *fields)
            found = connection.execute(sa.select(*(sa.column(name) for name in columns)).select_from(sa.table(table)))
            for batch in found.partitions(_BATCH):
                rows = [row for values in batch for row in rows_of(object_name, dict(values._mapping))]
                if rows:
                    connection.execute(sa.insert(index), rows)


class _past_the_wall:  # noqa: N801 - reads as a verb where it is used
    def __init__(self, connection: sa.Connection, table: str) -> None:
        self._connection, self._table = connection, table

    def __enter__(self) -> None:
        self._set("NO FORCE")

    def __exit__(self, *_: object) -> None:
        self._set("FORCE")

    def _set(self, force: str) -> None:
        if self._connection.dialect.name == "postgresql":
            name = wall.quote(self._connection, self._table)
            self._connection.exec_driver_sql(f"ALTER TABLE {name} {force} ROW LEVEL SECURITY")
