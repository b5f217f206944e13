"""The audit as a tree of hashes with sealed payloads, and feedback on answers.

Entries of the chain that was there before are kept as they are, for reading, in `audit_chain` with its head in
`audit_chain_head`; where there are none, the chain's tables go.
"""

import sqlalchemy as sa
from alembic import op

from crm.migrations import wall

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    is_postgresql = connection.dialect.name == "postgresql"
    put_chain_aside(connection, is_postgresql=is_postgresql)
    create_tables()
    if is_postgresql:
        app_role = op.get_context().config.attributes["app_role"]
        wall.protect(connection, "audit_entry", app_role, may="SELECT, INSERT")
        wall.protect(connection, "audit_head", app_role)
        wall.protect(connection, "feedback", app_role)
        guard_on_postgresql()
    else:
        guard_on_sqlite()


def put_chain_aside(connection: sa.Connection, *, is_postgresql: bool) -> None:
    if is_postgresql:  # the owner sees nothing through the wall either
        op.execute("ALTER TABLE audit_entry NO FORCE ROW LEVEL SECURITY")
    is_empty = connection.scalar(sa.text("SELECT 1 FROM audit_entry LIMIT 1")) is None
    if is_empty:
        op.drop_table("audit_entry")
        op.drop_table("audit_head")
        return
    if is_postgresql:
        app_role = wall.quote(connection, op.get_context().config.attributes["app_role"])
        op.execute("ALTER TABLE audit_entry FORCE ROW LEVEL SECURITY")
        op.execute(f"REVOKE INSERT ON audit_entry FROM {app_role}")
        op.execute(f"REVOKE INSERT, UPDATE, DELETE ON audit_head FROM {app_role}")
        op.execute("ALTER INDEX pk_audit_entry RENAME TO pk_audit_chain")
        op.execute("ALTER INDEX pk_audit_head RENAME TO pk_audit_chain_head")
    op.rename_table("audit_entry", "audit_chain")
    op.rename_table("audit_head", "audit_chain_head")


def create_tables() -> None:
    op.create_table(
        "audit_head",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_for", sa.String(length=18), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "leaf_index", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_at", "audit_entry", ["tenant", "at"])
    for column in ("kind", "actor", "subject"):
        op.create_index(f"ix_audit_entry_{column}", "audit_entry", ["tenant", column, "leaf_index"])
    op.create_table(
        "feedback",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("giver", sa.String(length=18), nullable=False),
        sa.Column("rating", sa.String(length=4), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "thread_id", "message_id", "giver", name=op.f("pk_feedback")),
    )
    op.create_index("ix_feedback_updated", "feedback", ["tenant", "updated_at"])


def guard_on_postgresql() -> None:
    op.execute(
        "CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON audit_entry"
        " FOR EACH ROW EXECUTE FUNCTION countersign.refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_entry"
        " FOR EACH STATEMENT EXECUTE FUNCTION countersign.refuse_change()"
    )


def guard_on_sqlite() -> None:
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_tree_refuses_{change.lower()} BEFORE {change} ON audit_entry "
            f"BEGIN SELECT RAISE(ABORT, '{change} of audit_entry is refused: the table only grows'); END"
        )
    # INSERT OR REPLACE takes the old row away without asking the trigger for DELETE.
    op.execute(
        "CREATE TRIGGER audit_tree_refuses_replace BEFORE INSERT ON audit_entry "
        "WHEN EXISTS (SELECT 1 FROM audit_entry WHERE tenant = new.tenant AND leaf_index = new.leaf_index) "
        "BEGIN SELECT RAISE(ABORT, 'REPLACE of audit_entry is refused: the table only grows'); END"
    )
