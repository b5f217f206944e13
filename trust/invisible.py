"""Characters that a reader does not see: out of every text before anybody is shown it."""

import re

_KEPT = "\n\t"
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Printable by their category, and yet nothing to see."""
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u180b-\u180f]")
_EMOJI = "\u00a9\u00ae\u2010-\u2bff\u3030-\u303d\u3297-\u3299\U0001f000-\U0001faff"
_STRAY_SELECTOR = re.compile(f"(?<![0-9#*{_EMOJI}])\ufe0f")
_COMPLEX = "\u0600-\u0dff"
"""Scripts in which joiners shape words: Arabic, Persian, the scripts of India."""
_STRAY_JOINER = re.compile(
    f"\u200d(?![{_EMOJI}{_COMPLEX}])|(?<![\ufe0f{_EMOJI}{_COMPLEX}])\u200d|\u200c(?![{_COMPLEX}])|(?<![{_COMPLEX}])\u200c"
)
_LINE_ENDS = re.compile("\r\n?|[\u0085\u2028\u2029\v\f]")


def strip_invisible(text: str) -> tuple[str, int]:
    """The text without control, direction, tag, zero-width and unassigned characters, and how many there were.

    Joiners stay where they make one picture of several emoji or shape a word of a script that needs them.
    """
    text = _LINE_ENDS.sub("\n", text)
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text, 0
    seen = "".join(char for char in text if _is_seen(char))
    seen = _SELECTORS.sub(lambda found: found[0] if found[0] == "\ufe0f" else "", seen)
    seen = _STRAY_JOINER.sub("", _STRAY_SELECTOR.sub("", seen))
    return seen, len(text) - len(seen)


def _is_seen(char: str) -> bool:
    if char.isprintable():
        return char not in _BLANKS
    return char in _KEPT or char in "\u200c\u200d" or char.isspace()


def one_line(text: str) -> str:
    """The visible text on one line."""
    return " ".join(strip_invisible(text)[0].split())
