"""Whoever reads the database files finds nothing that was said in a conversation, before or after it is deleted."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
from langchain_core.messages import AIMessage
from psycopg import sql

from agents._scripted import ScriptedModel
from api.settings import Settings
from crm.database import DatabaseConfig
from tests.service import DANA, World, calls, held, last_answer, message, open_world, script

SAID = ("Zebulon", "zeb.quarfax@nowhere.example", "Quarfax", "gluten", "Wimbleborough", "Theophrastus", "Xanthippe")
"""Words that stand in the conversation below and nowhere else."""
IN_RECORDS = "Acme Industries"
CALL = ("create_record", {"object": "Task", "fields": {"Subject": "Ring Quarfax, zeb.quarfax@nowhere.example"}})


async def converse(world: World) -> str:
    """Said, held, rejected with a reason, answered, and titled by the client."""
    opened = await world.post(DANA, "/threads", {"metadata": {"title": "Wimbleborough"}})
    thread = str(opened["thread_id"])
    asked = message("Remind me to ring Zebulon <zeb.quarfax@nowhere.example>", stream_mode=["values", "messages"])
    values = await world.post(DANA, f"/threads/{thread}/runs/wait", asked)
    assert held(values)[0]["card"]["changes"][0]["fields"]
    decided = await world.resume(DANA, thread, {"type": "reject", "message": "only after Theophrastus"})
    assert last_answer(decided.json()).strip() == "So I shall not ring about the gluten."
    held_again = await world.say(DANA, thread, "then ask Xanthippe")
    assert held(held_again)
    return thread


def model() -> ScriptedModel:
    return script(calls(CALL), AIMessage("So I shall not ring about the gluten."), calls(CALL))


async def test_no_word_of_a_conversation_is_in_the_database_files(
    settings: Settings, seeded_config: DatabaseConfig
) -> None:
    async with open_world(settings, model=model()) as world:
        thread = await converse(world)
        found = await world.get(DANA, f"/threads/{thread}")
        assert {word for word in SAID if word in str(found)} >= {"Zebulon", "Quarfax", "Wimbleborough", "gluten"}
        [same] = await world.post(DANA, "/threads/search", {"metadata": {"title": "Wimbleborough"}})
        assert same["thread_id"] == thread
        assert words_in(seeded_config) == {IN_RECORDS}
        assert (await world.call(DANA, "DELETE", f"/threads/{thread}")).status_code == 204
        assert (await world.call(DANA, "GET", f"/threads/{thread}")).status_code == 404
        assert words_in(seeded_config) == {IN_RECORDS}
    assert words_in(seeded_config) == {IN_RECORDS}


def words_in(config: DatabaseConfig) -> set[str]:
    """Which words are found; one that stands in records shows that the search finds anything at all."""
    found: set[str] = set()
    for text in raw_texts(config):
        found |= {word for word in (*SAID, IN_RECORDS) if word.encode() in text or word.encode().hex().encode() in text}
    return found


def raw_texts(config: DatabaseConfig) -> Iterator[bytes]:
    if config.file is not None:
        for path in config.file.parent.glob(f"{config.file.name}*"):
            yield path.read_bytes()
        return
    url = (config.owner_url or "").replace("+psycopg", "").replace("countersign_owner", "postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        (folder, oid) = connection.execute(
            "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
        ).fetchone() or ("", 0)
        for path in [*Path(folder, "base", str(oid)).iterdir(), *Path(folder, "pg_wal").glob("0*")]:
            yield path.read_bytes()
        # Long values lie compressed in the files, so the rows are read as well.
        for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            rows = connection.execute(sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(table)))
            yield "\n".join(row[0] for row in rows.fetchall()).encode()
