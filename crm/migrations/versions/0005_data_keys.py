"""The table of wrapped keys."""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "data_key",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.String(length=8), nullable=False),
        sa.Column("scope_id", sa.String(length=36), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shredded_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "scope", "scope_id", name=op.f("pk_data_key")),
    )
    if op.get_bind().dialect.name == "postgresql":
        guard_on_postgresql()
    else:
        guard_on_sqlite()


def guard_on_postgresql() -> None:
    """A tombstone is final: no row is deleted, and none gets a key again."""
    role = op.get_context().config.attributes["app_role"]
    wall.protect(op.get_bind(), "data_key", role, may="SELECT, INSERT, UPDATE")
    op.execute(
        "CREATE TRIGGER tombstones_stay BEFORE UPDATE ON data_key FOR EACH ROW WHEN (OLD.wrapped IS NULL)"
        " EXECUTE FUNCTION countersign.refuse_change()"
    )
    # A shredded key should not lie about as a dead row for longer than it must.
    op.execute("ALTER TABLE data_key SET (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0)")


def guard_on_sqlite() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'a shredded key stays shredded'); END"
    op.execute(f"CREATE TRIGGER data_key_refuses_delete BEFORE DELETE ON data_key {refuse}")
    op.execute(f"CREATE TRIGGER data_key_tombstones_stay BEFORE UPDATE ON data_key WHEN old.wrapped IS NULL {refuse}")
    same = "tenant = new.tenant AND scope = new.scope AND scope_id = new.scope_id"
    replaced = f"EXISTS (SELECT 1 FROM data_key WHERE {same} AND wrapped IS NULL)"  # noqa: S608 - the names above
    op.execute(
        "CREATE TRIGGER data_key_refuses_replace BEFORE INSERT ON data_key"
        f" WHEN new.wrapped IS NOT NULL AND {replaced} {refuse}"
    )
