"""The revisions of the schema, and which parts of a database the table declarations describe."""

from functools import cache
from pathlib import Path

from alembic.runtime.environment import NameFilterParentNames, NameFilterType
from alembic.script import ScriptDirectory

SCRIPTS = Path(__file__).parent

_MIGRATED_ONLY = ("audit_chain", "search_row", "name_index", "text_index")
"""How the tables begin that no class declares: a former audit, and the search indexes of SQLite."""


@cache
def head_revision() -> str:
    """The newest revision this program knows."""
    head = ScriptDirectory(str(SCRIPTS)).get_current_head()
    if head is None:
        raise RuntimeError(f"no revisions in {str(SCRIPTS)!r}")
    return head


def is_declared(
    name: str | None,
    type_: NameFilterType,
    _parents: NameFilterParentNames,
) -> bool:
    """Whether a name found in a database is to be compared with the declarations (an Alembic `include_name` hook)."""
    if type_ == "table":
        return name is not None and not name.startswith(_MIGRATED_ONLY)
    if type_ == "index":
        return name is None or not name.startswith("search_")
    return True
