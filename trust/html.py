"""Pages that a browser may be shown: tags by allow-list, no script, no style, nothing that loads or leads elsewhere."""

import re
from typing import Final

import nh3

from trust.egress import LINK_REMOVED
from trust.invisible import strip_invisible
from trust.links import find_addresses

FORM_FIELDS: Final = ("FirstName", "LastName", "Company", "Title", "Email", "Phone", "HasEmailConsent__c")
"""What a form may ask for, by the names that a lead keeps it under."""

_TEXT_TAGS = frozenset("h1 h2 h3 p ul ol li strong em br blockquote section".split())
_FORM_TAGS = frozenset("form label input button".split())
_INPUT = {
    "type": {"text", "email", "tel", "checkbox"},
    "name": set(FORM_FIELDS),
    "required": {"", "required"},
    "autocomplete": {"given-name", "family-name", "organization", "organization-title", "email", "tel", "off"},
}
_MARKUP = re.compile(r"(<[^>]*>)")


def clean_text(html: str) -> str:
    """The part of a page that only says something: no form, no attributes, no addresses."""
    return _clean(html, _TEXT_TAGS)


def clean_page(html: str) -> str:
    """A page with the forms that the service makes: fields of `FORM_FIELDS`, sent nowhere."""
    return _clean(html, _TEXT_TAGS | _FORM_TAGS)


def _clean(html: str, tags: frozenset[str]) -> str:
    """Cleaned twice is cleaned once."""
    kept = nh3.clean(
        strip_invisible(html)[0],
        tags=set(tags),
        clean_content_tags={"script", "style", "template", "noscript", "textarea", "title", "iframe", "svg", "math"},
        attributes={},
        tag_attribute_values={"input": _INPUT, "button": {"type": {"submit"}}} if "input" in tags else {},
        url_schemes=set(),
        link_rel=None,
        strip_comments=True,
    )
    return "".join(part if place % 2 else _without_addresses(part) for place, part in enumerate(_MARKUP.split(kept)))


def _without_addresses(text: str) -> str:
    parts: list[str] = []
    done = 0
    for start, end in find_addresses(text):
        parts += [text[done:start], LINK_REMOVED]
        done = end
    return "".join([*parts, text[done:]])
