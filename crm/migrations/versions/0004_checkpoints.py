"""Tables for the checkpoints of conversations on PostgreSQL, behind the same wall.

They are what the library (langgraph-checkpoint-postgres, its migrations 0 to 9) would create; it does so with
`CREATE INDEX CONCURRENTLY`, outside of any transaction, and without a wall. SQLite keeps checkpoints in a file of their
own, which the library sets up.
"""

from alembic import op

from crm.migrations import wall

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE checkpoint_migrations (v integer PRIMARY KEY);
INSERT INTO checkpoint_migrations SELECT generate_series(0, 9);

CREATE TABLE checkpoints (
    thread_id text NOT NULL,
    checkpoint_ns text NOT NULL DEFAULT '',
    checkpoint_id text NOT NULL,
    parent_checkpoint_id text,
    type text,
    checkpoint jsonb NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id)
);
CREATE INDEX checkpoints_thread_id_idx ON checkpoints (thread_id);

CREATE TABLE checkpoint_blobs (
    thread_id text NOT NULL,
    checkpoint_ns text NOT NULL DEFAULT '',
    channel text NOT NULL,
    version text NOT NULL,
    type text NOT NULL,
    blob bytea,
    PRIMARY KEY (thread_id, checkpoint_ns, channel, version)
);
CREATE INDEX checkpoint_blobs_thread_id_idx ON checkpoint_blobs (thread_id);

CREATE TABLE checkpoint_writes (
    thread_id text NOT NULL,
    checkpoint_ns text NOT NULL DEFAULT '',
    checkpoint_id text NOT NULL,
    task_id text NOT NULL,
    idx integer NOT NULL,
    channel text NOT NULL,
    type text,
    blob bytea NOT NULL,
    task_path text NOT NULL DEFAULT '',
    PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
);
CREATE INDEX checkpoint_writes_thread_id_idx ON checkpoint_writes (thread_id);
"""


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    app_role = op.get_context().config.attributes["app_role"]
    connection.exec_driver_sql(TABLES)
    connection.exec_driver_sql(f"GRANT SELECT ON checkpoint_migrations TO {wall.quote(connection, app_role)}")
    for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes"):
        wall.protect(connection, table, app_role, tenant="split_part(thread_id, ':', 1)")
