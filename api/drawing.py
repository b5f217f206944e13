"""Draws one chart: a specification on standard input, a picture on standard output.

Runs as a process of its own, which can be ended: a script engine does the drawing, and a thread could not be stopped.
"""

import json
import sys
from typing import Any

import vl_convert

PNG_SCALE = 2.0
_SIZE = {"width": 520, "height": 300}
_COLOURS = {
    "light": {
        "ground": "#ffffff",
        "text": "#17211d",
        "quiet": "#55615c",
        "line": "#d9dfdc",
        "marks": ["#1b6350", "#0b5c8a", "#b35c00", "#7b2d7b", "#a4262c", "#5f6b1f", "#44546a", "#8a6d3b"],
    },
    "dark": {
        "ground": "#181f1c",
        "text": "#e7edea",
        "quiet": "#a3b0aa",
        "line": "#3b4842",
        "marks": ["#62c3a3", "#7cc0ea", "#f0be6a", "#df9fdf", "#f3948f", "#c3cf7a", "#aab8cc", "#d8bd8f"],
    },
}
"""Those of the console (`api/console/styles/tokens.css`): a chart stands on the ground of a card."""


def draw(spec: dict[str, Any], picture: str, theme: str) -> bytes:
    """`picture` is svg or png, `theme` light or dark. Nothing is fetched, whatever the specification says."""
    sized = {**_SIZE, **spec}
    if spec.get("mark", {}).get("type") == "bar" and spec["encoding"]["x"].get("type") == "quantitative":
        sized["height"] = {"step": 22}
    dressed = {**sized, "config": _look(_COLOURS[theme])}
    if picture == "png":
        png: bytes = vl_convert.vegalite_to_png(dressed, scale=PNG_SCALE, allowed_base_urls=[])
        return png
    return str(vl_convert.vegalite_to_svg(dressed, allowed_base_urls=[])).encode()


def _look(colours: dict[str, Any]) -> dict[str, Any]:
    text, quiet, line = colours["text"], colours["quiet"], colours["line"]
    return {
        "background": colours["ground"],
        "title": {"color": text, "anchor": "start", "fontSize": 13},
        "axis": {
            "labelColor": quiet,
            "titleColor": quiet,
            "titleFontWeight": "normal",
            "gridColor": line,
            "domainColor": line,
            "tickColor": line,
            "labelOverlap": True,
        },
        "axisQuantitative": {"tickCount": 6},
        "legend": {"labelColor": quiet, "titleColor": quiet},
        "view": {"stroke": None},
        "mark": {"color": colours["marks"][0]},
        "text": {"color": text},
        "range": {"category": colours["marks"]},
    }


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(json.load(sys.stdin), *sys.argv[1:3]))
