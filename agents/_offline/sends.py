"""Sends a draft that exists: the one just written, or the only one to the person named. Writes none."""

import re
from collections.abc import Callable, Sequence

from agents._offline import compose
from agents._offline.memory import Known, Memory, records_in
from agents._offline.request import Reference, Request, Verb
from agents._offline.resolve import GiveUpError, Steps
from agents._offline.toolbox import Toolbox

_FOR = re.compile(r"\b(?:to|for) (?P<who>.+)$", re.IGNORECASE)
_NOBODY = frozenset({"her", "him", "them", "it", "the customer", "me"})
_MOST_LISTED = 5

Resolve = Callable[[Reference, Sequence[str]], Steps[Known]]


def read_send(clause: str) -> Request:
    """'send the draft to Ann': the person is optional."""
    found = _FOR.search(clause.rstrip(" .!?"))
    who = found["who"].strip() if found else ""
    named = who if who.lower() not in _NOBODY else ""
    return Request(Verb.SEND, clause, people=(Reference(text=named, objects=("Contact", "Lead")),) if named else ())


def find_draft(request: Request, toolbox: Toolbox, memory: Memory, resolve: Resolve) -> Steps[Known]:
    """The draft that is meant. Raises: GiveUpError if there is none, or more than one."""
    if not request.people:
        latest = memory.find(Reference(pronoun="it", objects=("EmailMessage",)))
        if latest is not None and latest.object == "EmailMessage":
            return latest
    filters = [{"field": "Status", "op": "eq", "value": "Draft"}, {"field": "Incoming", "op": "eq", "value": False}]
    whom = ""
    if request.people:
        person = yield from resolve(request.people[0], ("Contact", "Lead"))
        filters.append({"field": "ToIds", "op": "eq", "value": person.record_id})
        whom = f" to {compose.cite(person, memory)}"
    call = toolbox.call("query_records", object="EmailMessage", filters=filters, limit=_MOST_LISTED)
    outcome = (yield [call])[0]
    drafts = records_in(outcome) if outcome.ok else []
    if len(drafts) == 1:
        return drafts[0]
    if not drafts:
        raise GiveUpError(f"I found no draft{whom} that could be sent. Ask me to draft an e-mail first.")
    listed = "\n".join(f"{place}. {compose.cite(one, memory)}" for place, one in enumerate(drafts, 1))
    raise GiveUpError(f"There are several drafts{whom}; open one and ask me to send it:\n\n{listed}")
