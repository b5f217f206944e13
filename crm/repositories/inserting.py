"""Inserting rows whose keys may be taken: the same statements in two dialects."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from crm.base import TenantRow
from crm.database import TenantSession

Row = TypeVar("Row", bound=TenantRow)


async def insert_if_absent(
    session: TenantSession, row_type: type[Row], values: Mapping[str, Any], *, key: Sequence[str]
) -> Row | None:
    """The row as it was inserted; None if one with the same key is there, or a transaction that wrote it commits.

    `key` names the columns of a unique constraint, `tenant` among them.
    """
    statement = _insert(session, row_type, [values]).on_conflict_do_nothing(index_elements=list(key))
    options = {"tenant_checked": "the row carries the session's own tenant"}
    return (await session.scalars(statement.returning(row_type), execution_options=options)).one_or_none()


async def insert_where_absent(
    session: TenantSession, row_type: type[TenantRow], rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]
) -> None:
    """The same for many rows with the same columns. Of two with one key the first is written."""
    if not rows:
        return
    statement = _insert(session, row_type, rows)
    options = {"tenant_checked": "the rows carry the session's own tenant"}
    await session.execute(statement.on_conflict_do_nothing(index_elements=list(key)), execution_options=options)


async def insert_or_add(
    session: TenantSession,
    row_type: type[TenantRow],
    rows: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    added: Sequence[str],
    told: Sequence[str],
) -> Sequence[Any]:
    """Write rows with the same columns; where one with the same key is there, the `added` columns grow by the values.

    Rows are locked in their order. Tells of each, in no order: its `told` columns, then the `added` ones as they are.
    """
    statement = _insert(session, row_type, rows)
    grown = {name: getattr(row_type, name) + statement.excluded[name] for name in added}
    options = {"tenant_checked": "the rows carry the session's own tenant, and the tenant is part of the key"}
    columns = [getattr(row_type, name) for name in (*told, *added)]
    counting = statement.on_conflict_do_update(index_elements=list(key), set_=grown).returning(*columns)
    return (await session.execute(counting, execution_options=options)).all()


async def insert_or_replace(
    session: TenantSession, row_type: type[TenantRow], values: Mapping[str, Any], *, key: Sequence[str]
) -> None:
    """Write a row; if one with the same key is there, its other columns take the new values.

    `key` names the columns of a unique constraint, `tenant` among them.
    """
    statement = _insert(session, row_type, [values])
    replaced = {name: statement.excluded[name] for name in values if name not in key}
    options = {"tenant_checked": "the row carries the session's own tenant, and the tenant is part of the key"}
    await session.execute(
        statement.on_conflict_do_update(index_elements=list(key), set_=replaced), execution_options=options
    )


def _insert(session: TenantSession, row_type: type[TenantRow], rows: Sequence[Mapping[str, Any]]) -> Any:
    """Rows of the session's own tenant, in the database's dialect. One row alone has the statement of one row."""
    insert = pg_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    owned = [{**row, "tenant": session.tenant} for row in rows]
    return insert(row_type).values(owned[0] if len(owned) == 1 else owned)
