"""Search indexes as SQL, built from the fields that `crm.searchable` names and from nothing a user ever enters."""

# ruff: noqa: S608 - see above

from sqlalchemy import Connection

from crm.migrations import wall
from crm.searchable import NAME_INDEX, NAMED, SEARCH_ROW, TEXT_INDEX, TEXTS, joined, table_of

# The cost keeps the planner from computing the grams of every row instead of asking the index.
_GRAMS = """
CREATE FUNCTION countersign.padded(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '  ' || btrim(regexp_replace(lower(value), '[^[:alnum:]]+', ' ', 'g')) || ' ';

CREATE FUNCTION countersign.grams(value text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
RETURN (
    SELECT coalesce(array_agg(DISTINCT substr(words.padded, place, 3)), '{}')
    FROM (SELECT countersign.padded(value) AS padded) AS words, generate_series(1, length(words.padded) - 2) AS place
    WHERE words.padded <> '   '
);
"""
_FIND_NAMES = """
CREATE FUNCTION countersign.find_names(object_name text, wanted text[], at_least double precision DEFAULT 0.3)
RETURNS TABLE (record_id text, similarity double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    mine text := countersign.current_tenant();
BEGIN
    {branches}
    RAISE EXCEPTION '% has no index of names', object_name;
END
$$
"""

# OFFSET 0 keeps the planner from computing the padded name once for every gram.
_FIND_NAMES_BRANCH = """
    IF object_name = '{object_name}' THEN
        RETURN QUERY
        SELECT r."Id"::text, match.similarity
        FROM public.{table} AS r
        CROSS JOIN LATERAL (SELECT countersign.padded({name}) AS padded OFFSET 0) AS words
        CROSS JOIN LATERAL (
            SELECT count(*)::double precision / greatest(length(words.padded) - 2 + cardinality(wanted) - count(*), 1)
                AS similarity
            FROM unnest(wanted) AS gram
            WHERE strpos(words.padded, gram) > 0
        ) AS match
        WHERE r.tenant = mine AND countersign.grams({name}) && wanted AND match.similarity >= at_least
        ORDER BY match.similarity DESC, r."Id";
        RETURN;
    END IF;
"""

_FIND_TEXTS = """
CREATE FUNCTION countersign.find_texts(object_name text, query text)
RETURNS TABLE (record_id text, rank double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    mine text := countersign.current_tenant();
    wanted tsquery := websearch_to_tsquery('english'::regconfig, query);
BEGIN
    {branches}
    RAISE EXCEPTION '% has no index of texts', object_name;
END
$$
"""

_FIND_TEXTS_BRANCH = """
    IF object_name = '{object_name}' THEN
        RETURN QUERY
        SELECT r."Id"::text, ts_rank_cd(to_tsvector('english'::regconfig, {text}), wanted)::double precision
        FROM public.{table} AS r
        WHERE r.tenant = mine AND to_tsvector('english'::regconfig, {text}) @@ wanted
        ORDER BY 2 DESC, 1;
        RETURN;
    END IF;
"""


def build_on_postgresql(connection: Connection, app_role: str) -> None:
    """GIN indexes, and functions of the owner that use them, each for the tenant of the signed context only."""
    run = connection.exec_driver_sql
    run(_GRAMS)
    for object_name, fields in NAMED.items():
        table = table_of(object_name)
        run(
            f"CREATE INDEX search_name_{object_name.lower()} ON {table} USING gin (countersign.grams({joined(fields)}))"
        )
    for object_name in TEXTS:
        table = table_of(object_name)
        document = f"to_tsvector('english'::regconfig, {_text(object_name)})"
        run(f"CREATE INDEX search_text_{object_name.lower()} ON {table} USING gin ({document})")
    for object_name in sorted(NAMED.keys() | TEXTS.keys()):
        wall.open_to_owner(connection, object_name.lower())
    run(_FIND_NAMES.format(branches="".join(_branch_for_names(name) for name in NAMED)).replace("%", "%%"))
    run(_FIND_TEXTS.format(branches="".join(_branch_for_texts(name) for name in TEXTS)).replace("%", "%%"))
    run("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA countersign FROM PUBLIC")
    for function in (
        "padded(text)",
        "grams(text)",
        "find_names(text, text[], double precision)",
        "find_texts(text, text)",
    ):
        run(f"GRANT EXECUTE ON FUNCTION countersign.{function} TO {wall.quote(connection, app_role)}")


def _branch_for_names(object_name: str) -> str:
    return _FIND_NAMES_BRANCH.format(
        object_name=object_name, table=table_of(object_name), name=joined(NAMED[object_name], "r")
    )


def _branch_for_texts(object_name: str) -> str:
    return _FIND_TEXTS_BRANCH.format(object_name=object_name, table=table_of(object_name), text=_text(object_name, "r"))


def _text(object_name: str, row: str = "") -> str:
    fields = TEXTS[object_name]
    return joined((*fields.title, *fields.body), row)


def build_on_sqlite(connection: Connection) -> None:
    """FTS5 tables, the numbers of their rows, and the triggers that keep them in step with the records."""
    run = connection.exec_driver_sql
    run(
        f"CREATE TABLE {SEARCH_ROW} (id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, object TEXT NOT NULL,"
        " record_id TEXT NOT NULL, UNIQUE (tenant, object, record_id))"
    )
    run(
        f"CREATE VIRTUAL TABLE {NAME_INDEX} USING fts5"
        "(tenant UNINDEXED, object UNINDEXED, record_id UNINDEXED, name, tokenize = 'trigram')"
    )
    run(
        f"CREATE VIRTUAL TABLE {TEXT_INDEX} USING fts5"
        "(tenant UNINDEXED, object UNINDEXED, record_id UNINDEXED, title, body, tokenize = 'porter unicode61')"
    )
    for object_name in sorted(NAMED.keys() | TEXTS.keys()):
        follow_on_sqlite(connection, object_name)


def follow_on_sqlite(connection: Connection, object_name: str) -> None:
    """Make the triggers that keep the indexes in step with one table."""
    for statement in _triggers(object_name):
        connection.exec_driver_sql(statement)


def _triggers(object_name: str) -> list[str]:
    table, stem = table_of(object_name), f"search_{object_name.lower()}"
    indexed = _indexed_fields(object_name)
    columns = ", ".join(f'"{name}"' for name in ("tenant", "Id", *indexed))
    changed = " OR ".join(f'old."{name}" IS NOT new."{name}"' for name in ("tenant", "Id", *indexed))
    add, remove = _add_to_indexes(object_name), _remove_from_indexes(object_name)
    return [
        f"CREATE TRIGGER {stem}_insert AFTER INSERT ON {table} BEGIN {add} END",
        f"CREATE TRIGGER {stem}_delete AFTER DELETE ON {table} BEGIN {remove} END",
        f"CREATE TRIGGER {stem}_update AFTER UPDATE OF {columns} ON {table} WHEN {changed} BEGIN {remove} {add} END",
    ]


def _indexed_fields(object_name: str) -> tuple[str, ...]:
    texts = TEXTS.get(object_name)
    return tuple(
        dict.fromkeys((*NAMED.get(object_name, ()), *((*texts.title, *texts.body) if texts is not None else ())))
    )


def _add_to_indexes(object_name: str) -> str:
    key = f"""new.tenant, '{object_name}', new."Id\""""
    number = f"""(SELECT id FROM {SEARCH_ROW} WHERE (tenant, object, record_id) = ({key}))"""
    statements = [f"INSERT INTO {SEARCH_ROW} (tenant, object, record_id) VALUES ({key});"]
    if object_name in NAMED:
        name = joined(NAMED[object_name], "new")
        statements.append(
            f"INSERT INTO {NAME_INDEX} (rowid, tenant, object, record_id, name) VALUES ({number}, {key}, {name});"
        )
    if object_name in TEXTS:
        title, body = joined(TEXTS[object_name].title, "new"), joined(TEXTS[object_name].body, "new")
        statements.append(
            f"INSERT INTO {TEXT_INDEX} (rowid, tenant, object, record_id, title, body)"
            f" VALUES ({number}, {key}, {title}, {body});"
        )
    return " ".join(statements)


def _remove_from_indexes(object_name: str) -> str:
    key = f"""(tenant, object, record_id) = (old.tenant, '{object_name}', old."Id")"""
    number = f"(SELECT id FROM {SEARCH_ROW} WHERE {key})"
    statements = []
    if object_name in NAMED:
        statements.append(f"DELETE FROM {NAME_INDEX} WHERE rowid = {number};")
    if object_name in TEXTS:
        statements.append(f"DELETE FROM {TEXT_INDEX} WHERE rowid = {number};")
    return " ".join([*statements, f"DELETE FROM {SEARCH_ROW} WHERE {key};"])
