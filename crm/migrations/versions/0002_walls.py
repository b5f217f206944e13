"""The wall between tenants, and an audit that only grows."""

from alembic import op

from crm.migrations import wall

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        build_wall()
    else:
        guard_audit_on_sqlite()


def build_wall() -> None:
    connection = op.get_bind()
    app_role = op.get_context().config.attributes["app_role"]
    wall.build(connection, app_role)
    for table in wall.tenant_tables(connection):
        only_grows = table == "audit_entry"
        wall.protect(connection, table, app_role, may="SELECT, INSERT" if only_grows else wall.ALL_ROWS)
    wall.open_to_owner(connection, "tenant")
    op.execute(
        "CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON audit_entry"
        " FOR EACH ROW EXECUTE FUNCTION countersign.refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_entry"
        " FOR EACH STATEMENT EXECUTE FUNCTION countersign.refuse_change()"
    )


def guard_audit_on_sqlite() -> None:
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_entry_refuses_{change.lower()} BEFORE {change} ON audit_entry "
            f"BEGIN SELECT RAISE(ABORT, '{change} of audit_entry is refused: the table only grows'); END"
        )
    # INSERT OR REPLACE takes the old row away without asking the trigger for DELETE.
    op.execute(
        "CREATE TRIGGER audit_entry_refuses_replace BEFORE INSERT ON audit_entry "
        "WHEN EXISTS (SELECT 1 FROM audit_entry WHERE tenant = new.tenant AND seq = new.seq) "
        "BEGIN SELECT RAISE(ABORT, 'REPLACE of audit_entry is refused: the table only grows'); END"
    )
