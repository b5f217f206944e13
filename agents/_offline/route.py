"""The router's second opinion: which agent's description fits the request best."""

import re

from agents._offline.lexicon import OBJECT_WORDS, STOPWORDS
from agents._offline.toolbox import Call, Toolbox
from agents._offline.words import clean, singular, split_name, tokenize

_LINE = re.compile(r"^\s*[-*]\s*`?(\w[\w-]*)`?\s*:\s*(.+)$", re.MULTILINE)
_STEM = 6


def choose_agent(text: str, toolbox: Toolbox) -> Call | None:
    """The call that names the best agent; None if no description shares a word with the request or two fit alike."""
    allowed = [str(value) for value in _enum(toolbox)]
    described = {
        name: handles
        for name, handles in _LINE.findall(toolbox.describe("choose_agent"))
        if not allowed or name in allowed
    }
    wanted = _stems(_without_names(clean(text)))
    scores = {name: len(wanted & _stems(f"{name} {handles}")) for name, handles in described.items()}
    best = max(scores.values(), default=0)
    leaders = [name for name, score in scores.items() if score == best]
    if not best or len(leaders) > 1:
        return None
    shared = sorted(wanted & _stems(f"{leaders[0]} {described[leaders[0]]}"))
    return toolbox.call("choose_agent", agent=leaders[0], reason=f"The request speaks of: {', '.join(shared)}.")


def _without_names(text: str) -> str:
    """Capitalised words after the first name something; they do not tell what kind of work it is."""
    return " ".join(token.text for at, token in enumerate(tokenize(text)) if at == 0 or not token.is_capital)


def _enum(toolbox: Toolbox) -> list[object]:
    values = toolbox.parameters("choose_agent").get("agent", {}).get("enum", [])
    return list(values) if isinstance(values, list) else []


def _stems(text: str) -> set[str]:
    stems = set()
    for token in tokenize(text):
        word = singular(token.low)
        if word in STOPWORDS or not word[0].isalpha():
            continue
        stems.add(word[:_STEM])
        if word in OBJECT_WORDS:
            stems.update(part[:_STEM] for part in split_name(OBJECT_WORDS[word]))
    return stems
