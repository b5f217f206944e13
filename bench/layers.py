"""What each layer of trust costs in a turn with ten tool results: `python -m bench.layers`.

A turn of the whole service is measured, and inside it the time that each layer's functions take, added up. Time that a
layer waits for the database counts as its own. Layers that call one another are counted once, for the outer one.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from unittest.mock import patch

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from api.wiring import open_service
from bench.databases import open_postgresql, open_sqlite
from bench.turn import USER, service_turn, settings_for
from crm.database import DatabaseConfig

RESULTS = 10
LAYERS: dict[str, tuple[str, ...]] = {
    "labels of results": ("graphs._calls.label_results",),
    "handles and sight": ("graphs._calls.look", "graphs._voice.look"),
    "masking": ("agents._sealing.Sealer.seal",),
    "guards and policy": ("graphs._calls.decide", "graphs._requesting.decide"),
    "egress and grounding": ("trust.answers.AnswerCheck.check", "trust.grounding.Grounding.cite"),
    "flags": ("graphs.screens.Screens.flag_result", "graphs.screens.Screens.flag_text"),
    "audit": ("graphs._voice.audit.record",),
}
_INSIDE: ContextVar[bool] = ContextVar("_INSIDE", default=False)


class TenResults(BaseChatModel):
    """Asks for ten lists of records at once, and then answers with one of their numbers."""

    @property
    def _llm_type(self) -> str:
        return "ten-results"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kw: Any
    ) -> ChatResult:
        if isinstance(messages[-1], ToolMessage):
            answer = AIMessage("I found five cases on each page, and the newest are listed above.")
        else:
            calls = [
                {
                    "name": "query_records",
                    "args": {
                        "object": "Case",
                        "limit": 5,
                        "sort": [{"field": "CaseNumber", "descending": place > 4}],
                    },
                    "id": uuid.uuid4().hex,
                }
                for place in range(RESULTS)
            ]
            answer = AIMessage("", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=answer)])


@contextmanager
def watched(spent: Counter[str]) -> Iterator[None]:
    """Add up the seconds that each layer takes."""
    with ExitStack() as stack:
        for layer, places in LAYERS.items():
            for place in places:
                owner, name = _resolve(place)
                stack.enter_context(patch.object(owner, name, _timed(getattr(owner, name), layer, spent)))
        yield


def _resolve(place: str) -> tuple[Any, str]:
    parts = place.split(".")
    for size in range(len(parts) - 1, 0, -1):
        try:
            owner: Any = __import__(".".join(parts[:size]), fromlist=["*"])
        except ImportError:
            continue
        for part in parts[size:-1]:
            owner = getattr(owner, part)
        return owner, parts[-1]
    raise LookupError(place)


def _timed(function: Callable[..., Any], layer: str, spent: Counter[str]) -> Callable[..., Any]:
    @contextmanager
    def counted() -> Iterator[None]:
        outer = _INSIDE.get()
        token = _INSIDE.set(True)
        started = time.perf_counter()
        try:
            yield
        finally:
            _INSIDE.reset(token)
            if not outer:
                spent[layer] += time.perf_counter() - started  # type: ignore[assignment] # seconds are floats

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        with counted():
            return await function(*args, **kwargs)

    def called(*args: Any, **kwargs: Any) -> Any:
        with counted():
            return function(*args, **kwargs)

    return awaited if asyncio.iscoroutinefunction(function) else called


async def measure(config: DatabaseConfig, folder: Path, rounds: int) -> tuple[float, dict[str, float]]:
    """Milliseconds of a turn without a watch, and of each layer in one with; medians."""
    async with open_service(settings_for(config, folder), model_for=lambda tenant: TenResults()) as service:
        _, principal = await service.authenticator.login_for_development(USER, None)
        turns: list[float] = []
        layers: dict[str, list[float]] = {layer: [] for layer in LAYERS}
        for place in range(rounds + 2):
            started = time.perf_counter()
            await service_turn(service, principal)
            whole = (time.perf_counter() - started) * 1000
            spent: Counter[str] = Counter()
            with watched(spent):
                await service_turn(service, principal)
            if place >= 2:  # the first ones warm up
                turns.append(whole)
                for layer, found in layers.items():
                    found.append(spent[layer] * 1000)
    return statistics.median(turns), {layer: statistics.median(found) for layer, found in layers.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what each layer of trust costs in a turn of ten results.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--factor", type=float, default=1.0, help="size of the seeded data")
    arguments = parser.parse_args()
    for name, opened in (("SQLite", open_sqlite), ("PostgreSQL", open_postgresql)):
        with opened(arguments.factor) as config, tempfile.TemporaryDirectory() as folder:
            turn, layers = asyncio.run(measure(config, Path(folder), arguments.rounds))
        print(f"{name}: a turn of {RESULTS} results takes {turn:.1f} ms")
        for layer, milliseconds in sorted(layers.items(), key=lambda pair: -pair[1]):
            print(f"  {layer:<24}{milliseconds:>8.2f} ms{milliseconds / turn:>8.1%}")
        whole = sum(layers.values())
        print(f"  {'all of them':<24}{whole:>8.2f} ms{whole / turn:>8.1%}")


if __name__ == "__main__":
    main()
