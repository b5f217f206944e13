"""Reads Markdown into a tree of what may be shown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from trust.invisible import strip_invisible
from trust.links import Hosts, find_addresses, is_allowed, shows_another_host

Node = dict[str, Any]
"""`type`, and by type `children`, `text`, `level`, `href`, `ordered`, `start`, `language`, `align`."""

LONGEST_RUN = 4_000
"""Characters of one paragraph or cell that are read as Markdown; parsers need the square of its length."""
_PIECE = 1_500
_PARSED_DEPTH = 60
_DEEPEST = 24
"""Levels of nesting. Below what this parser reads, another one might find a picture."""
_LANGUAGES = frozenset(
    "apex bash c cpp cs css csv diff go html ini java javascript js json jsx kotlin markdown md php python py ruby "
    "rust sh shell soql sql swift text toml ts tsx txt typescript xml yaml yml".split()
)
_LENIENT = re.compile(r"\]\s*[(:]|!\[|<[A-Za-z/!?]")
"""What is text by the book, and a link, an image or a tag to a renderer that is not strict."""
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|<[^<>]*>?", re.DOTALL)
_UNSEEN_ELEMENT = re.compile(r"\s*<(?:script|style|!|\?)", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_LEAVES = {"text", "text_special", "code_inline", "softbreak", "hardbreak", "html_inline", "image"}


@dataclass
class Reading:
    """A text as read. `is_clean`: whether it could be shown as it stands."""

    tree: list[Node] = field(default_factory=list)
    removed: int = 0
    is_clean: bool = True
    is_too_deep: bool = False


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": _PARSED_DEPTH}).enable("table")
    parser.core.ruler.enableOnly(["normalize", "block"])
    # Links that this parser would leave as text, such as javascript:, are links to others.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser


def read(text: str, hosts: Hosts) -> Reading:
    """The tree of what may be shown. HTML shows its text, an image its description, a link to elsewhere its words."""
    env: dict[str, Any] = {}
    tokens = _parser().parse(text, env)
    reader = _Reader(text.split("\n"), hosts, env)
    reader.result.tree = reader.blocks(tokens)
    definitions = len(env.get("references") or ()) + len(env.get("duplicate_refs") or ())
    if definitions:
        reader.remove(definitions)
    return reader.result


@dataclass
class _Reader:
    lines: list[str]
    hosts: Hosts
    env: dict[str, Any]
    in_link: bool = False
    result: Reading = field(default_factory=Reading)

    def remove(self, count: int = 1) -> None:
        self.result.removed += count
        self.result.is_clean = False

    def rewrite(self) -> None:
        self.result.is_clean = False

    def blocks(self, tokens: Sequence[Token]) -> list[Node]:
        nodes: list[Node] = []
        place = 0
        while place < len(tokens):
            end = _end_of(tokens, place)
            nodes += self._block(tokens[place], tokens[place + 1 : end])
            place = end + 1
        return nodes

    def _block(self, token: Token, inside: Sequence[Token]) -> list[Node]:
        if token.level >= _DEEPEST:
            self.result.is_too_deep = True
            self.remove()
            return []
        match token.type:
            case "paragraph_open":
                return self._paragraphs(inside[0].content)
            case "heading_open":
                return [{"type": "heading", "level": int(token.tag[1]), "children": self._cell(inside)}]
            case "bullet_list_open" | "ordered_list_open":
                ordered = token.type[0] == "o"
                start = int(token.attrs.get("start", 1)) if ordered else 1
                return [{"type": "list", "ordered": ordered, "start": start, "children": self.blocks(inside)}]
            case "list_item_open":
                return [{"type": "item", "children": self.blocks(inside)}]
            case "blockquote_open":
                return [{"type": "quote", "children": self.blocks(inside)}]
            case "table_open":
                return [self._table(inside)]
            case "fence":
                return [self._fence(token)]
            case "code_block":
                self.rewrite()  # by itself it is code; after a list it would be text
                return [{"type": "code_block", "language": "", "text": token.content}]
            case "hr":
                return [{"type": "rule"}]
            case "html_block":
                return self._html(token.content)
            case "inline":
                return self._paragraphs(token.content)
            case _:
                self.remove()
                return []

    def _paragraphs(self, content: str) -> list[Node]:
        if len(content) <= LONGEST_RUN:
            return [{"type": "paragraph", "children": self.inline(content)}]
        self.rewrite()
        pieces = (content[at : at + _PIECE] for at in range(0, len(content), _PIECE))
        return [{"type": "paragraph", "children": self._plain(piece)} for piece in pieces]

    def _cell(self, inside: Sequence[Token]) -> list[Node]:
        content = "".join(token.content for token in inside if token.type == "inline")
        if len(content) <= LONGEST_RUN:
            return self.inline(content)
        self.remove()
        return self._plain(content[:_PIECE] + "…")

    def _table(self, inside: Sequence[Token]) -> Node:
        rows: list[Node] = []
        align: list[str] = []
        for place, token in enumerate(inside):
            if token.type == "tr_open":
                rows.append({"type": "row", "children": []})
            elif token.type in ("th_open", "td_open"):
                if token.type == "th_open":
                    align.append(str(token.attrs.get("style", "")).removeprefix("text-align:"))
                cell = inside[place + 1 : _end_of(inside, place)]
                rows[-1]["children"].append({"type": "cell", "children": self._cell(cell)})
        return {"type": "table", "align": align, "children": rows}

    def _fence(self, token: Token) -> Node:
        language = token.info.strip()
        if language and language not in _LANGUAGES:  # some are drawn instead of shown, with pictures and links
            self.remove()
            language = ""
        if token.level == 0 and token.map and self.lines[token.map[0]][:1] in (" ", "\t"):
            self.rewrite()  # after a list it would be a part of the list, and end where the list ends
        last = self.lines[token.map[1] - 1] if token.map else ""
        is_closed = token.map is not None and token.map[1] - token.map[0] > 1
        if not is_closed or last.strip(" \t>").strip(token.markup[0]) or token.markup not in last:
            self.rewrite()
        return {"type": "code_block", "language": language, "text": token.content}

    def _html(self, content: str) -> list[Node]:
        self.remove()
        if _UNSEEN_ELEMENT.match(content):
            return []
        words = _TAG.sub(" ", content).strip()
        return self._plain_paragraphs(words) if words else []

    def _plain_paragraphs(self, words: str) -> list[Node]:
        pieces = (words[at : at + _PIECE] for at in range(0, len(words), _PIECE))
        return [{"type": "paragraph", "children": self._plain(piece)} for piece in pieces]

    def inline(self, content: str) -> list[Node]:
        parser = _parser()
        tokens: list[Token] = []
        parser.inline.parse(content, parser, self.env, tokens)
        if max((token.level for token in tokens), default=0) >= _DEEPEST:
            self.remove()
            return self._plain(content)
        return self._spans(tokens)

    def _spans(self, tokens: Sequence[Token]) -> list[Node]:
        nodes: list[Node] = []
        words: list[str] = []
        place = 0
        while place < len(tokens):
            token = tokens[place]
            end = _end_of(tokens, place) if token.type not in _LEAVES else place
            if token.type in ("text", "text_special"):
                if token.type == "text" and _LENIENT.search(token.content):
                    self.rewrite()
                words.append(token.content)
            elif token.type != "html_inline" or _BREAK.fullmatch(token.content):
                nodes += self._plain(*words)
                words = []
                nodes += self._span(token, tokens[place + 1 : end])
            else:
                self.remove()
            place = end + 1
        return [*nodes, *self._plain(*words)]

    def _span(self, token: Token, inside: Sequence[Token]) -> list[Node]:
        match token.type:
            case "strong_open" | "em_open":
                kind = "strong" if token.type == "strong_open" else "emphasis"
                return [{"type": kind, "children": self._spans(inside)}]
            case "code_inline":
                return [{"type": "code", "text": token.content}]
            case "softbreak" | "hardbreak":
                return [{"type": "break" if token.type[0] == "h" else "space"}]
            case "html_inline":
                self.remove()
                return [{"type": "break"}]
            case "image":
                self.remove()
                return self._plain(_words_of(token.children or ()))
            case "link_open":
                return self._link(token, inside)
            case _:
                self.remove()
                return self._plain(token.content)

    def _link(self, token: Token, inside: Sequence[Token]) -> list[Node]:
        target = str(token.attrs.get("href", ""))
        if target == f"mailto:{_words_of(inside)}" and token.markup == "autolink":
            self.rewrite()  # a plain address needs no brackets
            return self._plain(_words_of(inside))
        if not is_allowed(target, self.hosts) or shows_another_host(_words_of(inside), target):
            self.remove()
            return self._spans(inside)
        if token.attrs.get("title"):
            self.remove()
        if token.markup == "autolink":
            return [_link_to(target)]
        self.in_link = True
        children = self._spans(inside)
        self.in_link = False
        return [{"type": "link", "href": target, "children": children}] if children else []

    def _plain(self, *pieces: str) -> list[Node]:
        """Text as text; addresses in it that may not become links stand as code, of which nobody makes links.

        Some renderers look for addresses in the whole, some in the pieces between escapes.
        """
        words = "".join(pieces)
        seen, hidden = strip_invisible(words)
        if hidden or "\n" in seen:
            self.remove(hidden)
            seen = seen.replace("\n", " ")
        nodes: list[Node] = []
        done = 0
        for start, end in find_addresses(seen) if seen != words else find_addresses(*pieces):
            address = seen[start:end]
            may_lead = is_allowed(address, self.hosts)
            if may_lead and self.in_link:
                continue
            if may_lead:
                self.rewrite()  # in brackets, since some renderers take what follows for a part of the address
            else:
                self.remove()
            nodes += [*_text(seen[done:start]), _link_to(address) if may_lead else {"type": "code", "text": address}]
            done = end
        return [*nodes, *_text(seen[done:])]


def _link_to(address: str) -> Node:
    return {"type": "link", "href": address, "children": _text(address)}


def _text(words: str) -> list[Node]:
    return [{"type": "text", "text": words}] if words else []


def _end_of(tokens: Sequence[Token], place: int) -> int:
    """Where what opens at `place` closes; `place` itself for what does not open anything."""
    depth = 0
    for at in range(place, len(tokens)):
        depth += tokens[at].nesting
        if depth <= 0:
            return at
    return len(tokens) - 1


def _words_of(tokens: Sequence[Token]) -> str:
    return "".join(
        _words_of(token.children or ()) if token.type == "image" else token.content
        for token in tokens
        if token.type != "html_inline"
    )
