"""Which addresses a text may lead to, and where in a text there are any: as eager as the most eager renderer."""

import re
from collections.abc import Iterator
from functools import cache

from linkify_it import LinkifyIt

Hosts = frozenset[str]
"""Hosts that links may lead to, in lower case, each exactly as it is meant."""

_TARGET = re.compile(r"https://([A-Za-z0-9.-]{1,253})((?:/[A-Za-z0-9._~-]+)*/?)")
_LONGEST_TARGET = 300
_WORD = re.compile(r"\S+")
_TELLING = re.compile(r"[.:/@\\]")
_LONGEST_WORD = 1_000
_EAGER = re.compile(
    r"(?:(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30}:)?(?://|\\\\)\S+"
    r"|(?<!\w)www\.\S+"
    r"|(?<!\w)(?:javascript|vbscript|livescript):\S+"
    r"|(?<!\w)(?:mailto|tel|sms):\S+"
    r"|(?<!\w)data:[a-z]+/\S+",
    re.IGNORECASE,
)
_HOST = re.compile(r"(?:[\w-]{1,63}\.){1,10}[^\W\d_]{2,24}(?![\w-])")
_FILE_ENDINGS = frozenset("csv doc docx gif htm html jpg json md pdf png ppt pptx txt xls xlsx xml yaml zip".split())


def is_allowed(target: str, hosts: Hosts) -> bool:
    """Whether a link may lead there: https, one of the hosts, a plain path, and nothing that could carry data."""
    found = _TARGET.fullmatch(target)
    if found is None or len(target) > _LONGEST_TARGET:
        return False
    return found[1].lower() in hosts and not {".", ".."} & set(found[2].split("/"))


def shows_another_host(shown: str, target: str) -> bool:
    """Whether the text of a link names a host that it does not lead to."""
    found = _TARGET.match(target)
    own = found[1].lower() if found else ""
    named = (one[0].lower() for one in _HOST.finditer(shown))
    return any(name != own and name.rpartition(".")[2] not in _FILE_ENDINGS for name in named)


def find_addresses(*pieces: str) -> list[tuple[int, int]]:
    """Where a renderer that makes links of bare addresses might make one, in the pieces or in what they make together.

    Plain e-mail addresses are not among them. The places count from the first piece on.
    """
    spans = list(_addresses_in("".join(pieces)))
    if len(pieces) > 1:
        begin = 0
        for piece in pieces:
            spans += [(begin + start, begin + end) for start, end in _addresses_in(piece)]
            begin += len(piece)
    return _merged(spans)


def _addresses_in(text: str) -> Iterator[tuple[int, int]]:
    """Word by word, so that the time grows with the text and not with the square of it."""
    for word in _WORD.finditer(text):
        if not _TELLING.search(word[0]):
            continue
        if len(word[0]) > _LONGEST_WORD:
            yield word.span()
            continue
        for part in _parts(word[0]):
            for start, end in (*_linkified(part[0]), *_eager(part[0])):
                yield word.start() + part.start() + start, word.start() + part.start() + end


def _parts(word: str) -> Iterator[re.Match[str]]:
    """The word, and what is left of it where a renderer takes tildes for the ends of struck-out text."""
    yield from re.finditer(r".+", word, re.DOTALL)
    if "~~" in word:
        yield from re.finditer(r"[^~]+", word)


_PARAMETERS = frozenset("?&#")
"""With one of these an e-mail address could carry data."""


def _linkified(word: str) -> Iterator[tuple[int, int]]:
    for found in _linkifier().match(word) or ():
        if found.url != f"mailto:{found.text}" or not _PARAMETERS.isdisjoint(found.text):
            yield found.index, found.last_index


def _eager(word: str) -> Iterator[tuple[int, int]]:
    for found in _EAGER.finditer(word):
        end = found.end() - (len(found[0]) - len(found[0].rstrip(".,;:!?)]}'\"")))
        if end > found.start():
            yield found.start(), end


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


@cache
def _linkifier() -> LinkifyIt:
    return LinkifyIt()
