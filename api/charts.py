"""Pictures of charts, drawn beside the service within limits of time and size, a few at once, and kept for a while."""

import asyncio
import hashlib
import json
import logging
import sys
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Literal

Picture = Literal["svg", "png"]
Theme = Literal["light", "dark"]

PATIENCE_S = 20.0
MAX_SPEC = 256 * 1024
"""Characters of a specification, data included."""
MAX_PICTURE = 4 * 1024 * 1024
AT_ONCE = 2
_KEPT = 64

_log = logging.getLogger(__name__)


class ChartError(Exception):
    """There is no picture: the chart is too large, or drawing it took too long or failed."""


class ChartNotFoundError(Exception):
    """There is no answer of this id with a chart, or none that the caller may read."""

    def __init__(self) -> None:
        super().__init__("no such chart")


class Charts:
    """One per process. Pictures are kept by what is drawn, so whose they are makes no difference."""

    def __init__(self, *, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._room = asyncio.Semaphore(AT_ONCE)
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    async def draw(self, spec: Mapping[str, Any], picture: Picture, theme: Theme, width: int | None = None) -> bytes:
        """`width`: of the whole picture; as wide as it comes if left out. Raises: ChartError."""
        fitted = {"width": width, "autosize": {"type": "fit-x", "contains": "padding"}} if width is not None else {}
        text = json.dumps({**spec, **fitted})
        if len(text) > MAX_SPEC:
            raise ChartError(f"the chart has more than {MAX_SPEC} characters; ask for fewer groups")
        key = hashlib.sha256(f"{picture} {theme} {text}".encode()).hexdigest()
        kept = self._kept.get(key)
        if kept is None:
            async with self._room:
                kept = await self._run(text, picture, theme)
            self._kept[key] = kept
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return kept

    async def _run(self, text: str, picture: Picture, theme: Theme) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-m", "api.drawing", picture, theme),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
        )
        try:
            async with asyncio.timeout(self._patience_s):
                drawn, _ = await process.communicate(text.encode())
        except TimeoutError:
            raise ChartError("drawing the chart took too long") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0 or not drawn or len(drawn) > MAX_PICTURE:
            _log.error("drawing a chart ended with %s and %d bytes", process.returncode, len(drawn))
            raise ChartError("the chart could not be drawn")
        return drawn
