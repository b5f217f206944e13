"""Foreign servers and their tools."""

from typing import cast

from sqlalchemy import delete, select

from crm.database import TenantSession
from crm.foreign import ForeignServer, ForeignTool

_PLAIN = {"synchronize_session": False}


async def list_servers(session: TenantSession) -> list[ForeignServer]:
    return list(await session.scalars(select(ForeignServer).order_by(ForeignServer.name)))


async def find_server(session: TenantSession, server_id: str) -> ForeignServer | None:
    statement = select(ForeignServer).where(ForeignServer.server_id == server_id)
    return cast("ForeignServer | None", await session.scalar(statement.execution_options(populate_existing=True)))


async def list_tools(session: TenantSession, server_id: str | None = None) -> list[ForeignTool]:
    """Of one server, or of all, by their names."""
    statement = select(ForeignTool).order_by(ForeignTool.server_id, ForeignTool.name)
    if server_id is not None:
        statement = statement.where(ForeignTool.server_id == server_id)
    return list(await session.scalars(statement.execution_options(populate_existing=True)))


async def find_tool(session: TenantSession, server_id: str, name: str) -> ForeignTool | None:
    statement = select(ForeignTool).where(ForeignTool.server_id == server_id, ForeignTool.name == name)
    return await session.scalar(statement.with_for_update().execution_options(populate_existing=True))


async def add(session: TenantSession, *rows: ForeignServer | ForeignTool) -> None:
    session.add_all(rows)
    await session.flush()


async def remove(session: TenantSession, server_id: str) -> None:
    """With its tools."""
    for table in (ForeignTool, ForeignServer):
        await session.execute(delete(table).where(table.server_id == server_id), execution_options=_PLAIN)
