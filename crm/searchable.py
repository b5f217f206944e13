"""Which records are found by an approximate name and which by what they say, and where the indexes for it are.

The migration builds the indexes of both databases from these tables, and the repository queries them by the same.

SQLite: two FTS5 tables that triggers on the record tables keep in step. A row of either is addressed by the integer
that `search_row` gives to (tenant, object, record_id), so that a change costs three look-ups and no scan, and
`VACUUM`, which renumbers the rows of a record table, does no harm.

    search_row(id, tenant, object, record_id)
    name_index(tenant, object, record_id, name)         tokenize = trigram: MATCH needs three characters or more
    text_index(tenant, object, record_id, title, body)  tokenize = porter unicode61

PostgreSQL: GIN indexes over `countersign.grams(name)` and over `to_tsvector('english', title || ' ' || body)`, which
only two functions can use, both answering for the tenant of the transaction, best first, bin included:

    countersign.find_names(object_name, wanted_grams, at_least)   -> (record_id, similarity)
    countersign.find_texts(object_name, query)                    -> (record_id, rank); query as for a web search

A plain query of the service's role never uses a GIN index: a policy is evaluated before any operator that is not
leakproof, and neither `&&` nor `@@` is.
"""

from dataclasses import dataclass

NAMED: dict[str, tuple[str, ...]] = {
    "Account": ("Name",),
    "Contact": ("FirstName", "LastName"),
    "Lead": ("FirstName", "LastName", "Company"),
    "Opportunity": ("Name",),
    "Product2": ("Name",),
    "User": ("FirstName", "LastName"),
    "Campaign": ("Name",),
    "Quote": ("Name",),
    "Knowledge__kav": ("Title",),
    "Issue__c": ("Name",),
}
"""Object name -> the fields that make up its searchable name, in the order they are joined by a space."""


@dataclass(frozen=True)
class TextFields:
    """The fields of one kind of record that full-text search reads."""

    title: tuple[str, ...]
    body: tuple[str, ...]


TEXTS: dict[str, TextFields] = {
    "Knowledge__kav": TextFields(title=("Title",), body=("Summary", "FAQ_Answer__c")),
    "Case": TextFields(title=("Subject",), body=("Description",)),
}

SEARCH_ROW = "search_row"
NAME_INDEX = "name_index"
TEXT_INDEX = "text_index"


def table_of(object_name: str) -> str:
    """The quoted name of the table that holds an object's records."""
    return f'"{object_name.lower()}"'


def joined(fields: tuple[str, ...], row: str = "") -> str:
    """SQL for the fields of a row joined by spaces, the empty string if all are null; the same on both databases.

    `row` is an alias of the table, or `new` and `old` in a trigger.
    """
    prefix = f"{row}." if row else ""
    parts = " || ' ' || ".join(f"""coalesce({prefix}"{name}", '')""" for name in fields)
    return f"trim({parts})"
