"""Draws one chart: a specification on standard input, a picture on standard output.

Runs as a process of its own, which can be ended: a script engine does the drawing, and a thread could not be stopped.
"""

import json
import sys
from typing import Any, Literal

import vl_convert

PNG_SCALE = 2.0
_SIZE = {"width": 520, "height": 300}


def draw(spec: dict[str, Any], picture: str, theme: str) -> bytes:
    """`picture` is svg or png, `theme` light or dark. Nothing is fetched, whatever the specification says."""
    sized = {**_SIZE, **spec}
    if spec.get("mark", {}).get("type") == "bar" and spec["encoding"]["x"].get("type") == "quantitative":
        sized["height"] = {"step": 22}
    chosen: Literal["dark"] | None = "dark" if theme == "dark" else None
    if picture == "png":
        png: bytes = vl_convert.vegalite_to_png(sized, scale=PNG_SCALE, theme=chosen, allowed_base_urls=[])
        return png
    return str(vl_convert.vegalite_to_svg(sized, theme=chosen, allowed_base_urls=[])).encode()


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(json.load(sys.stdin), *sys.argv[1:3]))
