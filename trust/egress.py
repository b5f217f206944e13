"""What leaves the service as text: plain Markdown that leads nowhere, loads nothing and hides nothing."""

import re
from dataclasses import dataclass, replace

from crm.connector import Change, FieldChange
from trust.actions import Outgoing
from trust.invisible import strip_invisible
from trust.links import Hosts, find_addresses, is_allowed
from trust.markdown import Node, read
from trust.markdown_text import write

NO_HOSTS: Hosts = frozenset()
LINK_REMOVED = "[link removed]"
_OUTWARD = frozenset(
    {
        ("EmailMessage", "Subject"),
        ("EmailMessage", "TextBody"),
        ("EmailMessage", "HtmlBody"),
        ("CaseComment", "CommentBody"),
    }
)
"""Texts that are written for people outside the house."""
_MOST_NESTED = 8
_ATTEMPTS = 4
_HARMLESS = str.maketrans("<>[]", "()()")
_TAGS = re.compile(r"<!--.*?(?:-->|\Z)|</?[A-Za-z!?][^<>@]*>", re.DOTALL)
_MARKED = re.compile(r"!?\[([^\[\]]{0,500})\](?:\([^()\s]{0,1000}[^()]{0,300}\)|\[[^\[\]]{0,200}\]|:[ \t]*\S{1,1000})")


@dataclass(frozen=True)
class Clean:
    """Safe text, the same as a tree for those that draw it themselves, and how many things were taken out."""

    text: str
    tree: list[Node]
    removed: int


def sanitize(text: str, hosts: Hosts = NO_HOSTS) -> Clean:
    """The text, if all of it may be shown; else written anew from the tree of what may be.

    What is clean is left as it is, letter by letter. So doing it twice is doing it once.
    """
    seen, hidden = strip_invisible(text)
    first = read(seen, hosts)
    if first.is_clean:
        return Clean(seen, first.tree, hidden)
    removed = hidden + first.removed
    tree = [] if first.is_too_deep else first.tree
    for attempt in range(_ATTEMPTS):
        if attempt == _ATTEMPTS - 1 or not tree:
            tree = [{"type": "code_block", "language": "", "text": seen}]
        written = write(tree)
        again = read(written, hosts)
        if again.is_clean and strip_invisible(written) == (written, 0):
            return Clean(written, again.tree, removed)
        tree = again.tree
    return Clean("", [], removed + 1)


def outward(text: str, hosts: Hosts = NO_HOSTS) -> str:
    """Plain text for somebody outside, such as an e-mail: whatever a mail program might make a link of is gone."""
    seen, _ = strip_invisible(text)
    if not read(seen, hosts).is_clean:
        seen = _without_markup(seen)
    parts: list[str] = []
    done = 0
    for start, end in find_addresses(seen):
        if not is_allowed(seen[start:end], hosts):
            parts += [seen[done:start], LINK_REMOVED]
            done = end
    return "".join([*parts, seen[done:]])


def _without_markup(text: str) -> str:
    """The text without tags and without the addresses behind links and pictures, however often they are nested."""
    for _ in range(_MOST_NESTED):
        bare = _MARKED.sub(lambda found: found[1] or "", _TAGS.sub("", text))
        if bare == text:
            return bare
        text = bare
    return text.translate(_HARMLESS)


def clean_changes(changes: tuple[Change, ...], hosts: Hosts) -> tuple[Change, ...]:
    """The changes with nothing invisible in their texts, and with no leading elsewhere in what goes to outsiders."""
    return tuple(
        replace(change, fields=tuple(_clean_field(change, one, hosts) for one in change.fields)) for change in changes
    )


def clean_outgoing(message: Outgoing | None, changes: tuple[Change, ...]) -> Outgoing | None:
    """The message in the words of its record, where that is made together with it: what was cleaned there is what
    leaves the house."""
    for change in changes:
        if message is not None and (change.operation, change.object_name) == ("create", "EmailMessage"):
            said = {one.field: str(one.new) for one in change.fields}
            return replace(message, subject=said.get("Subject", ""), body=said.get("TextBody", ""))
    return message


def _clean_field(change: Change, one: FieldChange, hosts: Hosts) -> FieldChange:
    if not isinstance(one.new, str):
        return one
    if (change.object_name, one.field) in _OUTWARD:
        return replace(one, new=outward(one.new, hosts))
    return replace(one, new=strip_invisible(one.new)[0])
