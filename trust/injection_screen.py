"""Marks text that talks to the assistant instead of to people.

A mark is a hint for people, and taints the turn if the text counted as staff's: it may cost a turn what is approved in
advance. It lets nothing pass and refuses nothing.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from trust.invisible import strip_invisible
from trust.links import find_addresses

_LONGEST = 20_000
"""Characters that are looked at."""
_ROLES = re.compile(
    r"(?im)^\s*(?:system|assistant|developer|tool)\s*(?:message|prompt)?\s*:\s"
    r"|<\|?(?:im_start|im_end|system|endoftext|assistant)\|?>|\[/?(?:INST|SYS)\]|<</?SYS>>|^#{2,}\s*(?:system|instruction)s?\b"
)
_IGNORE = re.compile(
    r"(?i)\b(?:ignore|disregard|forget|override|bypass)\s(?:\w+\s){0,4}?(?:previous|prior|above|earlier|all|your|system)\b"
    r"|\b(?:ignorier\w*|vergiss|missachte)\s(?:\w+\s){0,4}?(?:vorherig\w*|bisherig\w*|obig\w*|alle\w*|deine\w*|anweisung\w*)\b"
    r"|\b(?:ignore[rz]?|oublie[rz]?)\s(?:\w+\s){0,4}?(?:précédent\w*|instructions|consignes|toutes)\b"
    r"|\b(?:ignora\w*|olvida\w*)\s(?:\w+\s){0,4}?(?:anterior\w*|instrucciones|todas)\b"
    r"|\b(?:ignora\w*|dimentica\w*)\s(?:\w+\s){0,4}?(?:precedent\w*|istruzioni|tutte)\b"
    r"|\b(?:ignore|ignorar|esqueça)\s(?:\w+\s){0,4}?(?:anterior\w*|instruções|todas)\b"
    r"|\b(?:negeer|vergeet)\s(?:\w+\s){0,4}?(?:vorige|eerdere|alle|instructies)\b"
    r"|忽略.{0,8}(?:指令|指示|以上|之前)|(?:以前|上記|これまで)の(?:指示|命令)を無視|игнорируй\w*\s(?:\w+\s){0,4}?(?:предыдущ\w*|инструкц\w*)"
)
_ORDER = re.compile(
    r"(?i)\b(?:you are now|act as|pretend to be|from now on you|new instructions?|important instructions?|"
    r"as an ai|dear (?:ai|assistant|copilot|agent)|(?:ai|assistant|copilot|agent|chatbot|llm)\s?[,:]\s?(?:please\s)?"
    r"(?:send|forward|update|delete|set|change|approve|email|export|reply|call|create|include|add|do|use)|"
    r"(?:do not|don't|never) (?:tell|mention|inform|show|reveal to|ask) (?:the |this to the )?"
    r"(?:user|human|anyone|anybody)|"
    r"without (?:asking|telling|informing|approval|confirmation)|"
    r"(?:reveal|print|repeat|show)\s(?:\w+\s){0,2}?(?:system prompt|instructions|hidden)|"
    r"du bist (?:jetzt|ab sofort)|tu es maintenant|ahora eres)\b"
)
_BLOB = re.compile(
    r"(?<![\w/.])(?:[A-Za-z0-9+/]{80,}={0,2}|(?:[0-9a-fA-F]{2}){40,}|(?:\\x[0-9a-fA-F]{2}){8,}|(?:%[0-9a-fA-F]{2}){8,})"
)
_DATA = re.compile(r"[?&=#{$]|%7B|\{\{")


def _carries_data(text: str) -> bool:
    return any(_DATA.search(text, start, end) for start, end in find_addresses(text))


_FEATURES: Mapping[str, Callable[[str], bool]] = {
    "ignore_previous": lambda text: bool(_IGNORE.search(text)),
    "order_to_assistant": lambda text: bool(_ORDER.search(text)),
    "role_marker": lambda text: bool(_ROLES.search(text)),
    "hidden_characters": lambda text: strip_invisible(text)[1] > 2,
    "encoded_blob": lambda text: bool(_BLOB.search(text)),
    "link_with_data": _carries_data,
}


def screen(text: str) -> tuple[str, ...]:
    """The names of the features that the text has, in a fixed order. Takes time in proportion to the text."""
    seen = text[:_LONGEST]
    bare = strip_invisible(seen)[0]
    return tuple(name for name, has in _FEATURES.items() if has(seen if name == "hidden_characters" else bare))


def texts_in(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text inside a JSON value, with its path."""
    if isinstance(value, str):
        yield path.removeprefix("."), value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from texts_in(one, f"{path}.{key}")
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from texts_in(one, f"{path}[{place}]")
