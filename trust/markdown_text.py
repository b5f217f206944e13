"""Writes a tree of Markdown as text, with everything in it escaped that could be read as anything else."""

import re
from collections.abc import Sequence

from trust.markdown import Node

_SPECIAL = re.compile(r"[\\`*_\[\]<>|~&]|!(?=\[)|(?<=!)$")
_LINE_START = re.compile(r"^(\s*)(?:([-+=#>:])|(\d{1,9})([.)]))")
_BACKTICKS = re.compile(r"`+")


def write(tree: Sequence[Node]) -> str:
    """The text of a tree. Read again it is the same tree, or plainer."""
    return "\n".join(_blocks(tree))


def escape(words: str) -> str:
    """Text that stays text in the middle of Markdown, on one line."""
    flat = " ".join(words.split())
    return _at_line_start(_SPECIAL.sub(lambda found: f"\\{found[0]}" if found[0] else "", flat))


def _blocks(nodes: Sequence[Node], *, tight: bool = False) -> list[str]:
    lines: list[str] = []
    for node in nodes:
        written = _block(node)
        if lines and written and not tight:
            lines.append("")
        lines += written
    return lines


def _block(node: Node) -> list[str]:
    match node["type"]:
        case "paragraph":
            return _lines(_inline(node["children"]))
        case "heading":
            return [f"{'#' * node['level']} {' '.join(_lines(_inline(node['children'])))}".rstrip()]
        case "list":
            return _list(node)
        case "quote":
            return [f"> {line}".rstrip() for line in _blocks(node["children"])] or [">"]
        case "table":
            return _table(node)
        case "code_block":
            return _code_block(node["text"], node["language"])
        case _:
            return ["---"]


def _lines(text: str) -> list[str]:
    return [_at_line_start(line.strip(" \t")) for line in text.split("\n") if line.strip(" \t")]


def _at_line_start(line: str) -> str:
    found = _LINE_START.match(line)
    if found is None or line.startswith("\\"):
        return line
    at = found.end() - 1
    return f"{line[:at]}\\{line[at:]}"


def _list(node: Node) -> list[str]:
    lines: list[str] = []
    for number, item in enumerate(node["children"], node["start"]):
        mark = f"{number}. " if node["ordered"] else "- "
        tight = all(child["type"] in ("paragraph", "list") for child in item["children"])
        tight = tight and sum(child["type"] == "paragraph" for child in item["children"]) < 2
        inside = _blocks(item["children"], tight=tight) or [""]
        lines.append(f"{mark}{inside[0]}".rstrip())
        lines += [f"{' ' * len(mark)}{line}".rstrip() for line in inside[1:]]
    return lines


def _table(node: Node) -> list[str]:
    marks = {"left": ":---", "right": "---:", "center": ":---:"}
    rows = [
        "| " + " | ".join(" ".join(_inline(cell["children"], cell=True).split()) for cell in row["children"]) + " |"
        for row in node["children"]
    ]
    rule = "| " + " | ".join(marks.get(align, "---") for align in node["align"]) + " |"
    return [rows[0], rule, *rows[1:]]


def _code_block(text: str, language: str) -> list[str]:
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *text.removesuffix("\n").split("\n"), fence]


def _inline(nodes: Sequence[Node], *, cell: bool = False) -> str:
    return "".join(_span(node, cell) for node in nodes)


def _span(node: Node, cell: bool) -> str:
    match node["type"]:
        case "text":
            return _SPECIAL.sub(lambda found: f"\\{found[0]}" if found[0] else "", node["text"])
        case "strong":
            return f"**{_inline(node['children'], cell=cell)}**"
        case "emphasis":
            return f"*{_inline(node['children'], cell=cell)}*"
        case "code":
            return _code(node["text"], cell)
        case "link" if node["children"] == [{"type": "text", "text": node["href"]}]:
            return f"<{node['href']}>"
        case "link":
            return f"[{_inline(node['children'], cell=cell)}]({node['href']})"
        case "break":
            return " " if cell else "\\\n"
        case _:
            return " " if cell else "\n"


def _code(text: str, cell: bool) -> str:
    flat = " ".join(text.split())
    if not flat:
        return ""
    longest = max((len(run) for run in _BACKTICKS.findall(flat)), default=0)
    fence = "`" * (longest + 1)
    inside = f" {flat} " if "`" in (flat[0], flat[-1]) else flat
    return f"{fence}{inside.replace('|', chr(92) + '|') if cell else inside}{fence}"
