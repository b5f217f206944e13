"""One answer on its way out: only what is safe to show and was found somewhere passes."""

import re
from dataclasses import dataclass, field

from trust.claims import Claim
from trust.egress import sanitize
from trust.grounding import Grounding, remark
from trust.invisible import strip_invisible
from trust.links import Hosts, find_addresses
from trust.markdown_text import escape

_MARKED = re.compile(r"[*_`\[\]<>|\\&~#]|!$")


def is_plain(text: str) -> bool:
    """Whether it is text and nothing else, whatever stands around it."""
    return not _MARKED.search(text) and strip_invisible(text) == (text, 0) and not find_addresses(text)


@dataclass
class Passed:
    """What may be shown of a block; `withheld` holds the claims of each sentence that may not."""

    text: str
    withheld: list[list[Claim]] = field(default_factory=list)


@dataclass
class AnswerCheck:
    """Checks an answer block by block, in order."""

    grounding: Grounding
    hosts: Hosts
    removed: int = 0

    def check(self, block: str, before: str = "") -> Passed:
        """What may be shown of a block that follows `before`, the part of its paragraph that was shown already."""
        if is_plain(block):
            checked = self.grounding.check(block)
            return Passed(checked.text, checked.withheld)
        body = block.strip("\n").rstrip()
        at = block.index(body) if body else 0
        checked = self.grounding.check(self._clean(body, before))
        text = self._clean(checked.text.rstrip(), before) if checked.withheld else checked.text
        return Passed(block[:at] + text + block[at + len(body) :], checked.withheld)

    def _clean(self, text: str, before: str) -> str:
        """The text as it may stand after `before`: as it is, rewritten by itself, or without any markup."""
        if before and self._is_clean(before + text):
            return text
        clean = sanitize(text, self.hosts)
        self.removed += clean.removed
        if not before or self._is_clean(before + clean.text):
            return clean.text
        bare = escape(text)
        return bare if self._is_clean(before + bare) else ""

    def _is_clean(self, text: str) -> bool:
        return sanitize(text, self.hosts).text == text


def note_for_model(withheld: list[list[Claim]], shown: str) -> str:
    """What a model is told that has to answer again."""
    said = remark(withheld).strip("*").partition(": ")[2]
    note = (
        f"Your last answer was held back: {said} Answer again with nothing but what tools returned in this "
        "conversation and what the user said. If something is not known, say that it is not."
    )
    if shown:
        note += f" This part was shown already; go on after it and do not repeat it:\n{shown}"
    return note
