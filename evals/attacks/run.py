"""The whole bench, in parts that processes can share: each part works on a copy of the same seeded folder."""

import asyncio
import logging
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evals.attacks.bench import Played, Report, TaskDone, attacks_for, is_open, perform, play
from evals.attacks.families import ATTACKS
from evals.attacks.layers import LAYERS, find_layer
from evals.attacks.search import LONGEST, SEARCHES, Found, run_search
from evals.attacks.stage import Workshop
from evals.attacks.tasks import TASKS

_AT_A_TIME = 12
"""Attacks in one part."""
Result = Played | TaskDone | Found


@dataclass(frozen=True)
class Part:
    """Something to play: attacks by their places, a search by its place, or the benign tasks."""

    kind: str
    layer: str | None = None
    places: tuple[int, ...] = ()
    longest: int = LONGEST


def parts_of(*, small: bool, longest: int = LONGEST) -> list[Part]:
    """Everything in full; or one attack of each family and the benign tasks, with all layers in place."""
    chosen = [None, *(layer for layer in LAYERS if layer.is_built and not small)]
    found = [Part("tasks")]
    for layer in chosen:
        played = attacks_for(layer, ATTACKS)
        places = [place for place, one in enumerate(ATTACKS) if one in played and (one.is_small or not small)]
        name = None if layer is None else layer.name
        starts = range(0, len(places), _AT_A_TIME)
        found += [Part("attacks", name, tuple(places[start : start + _AT_A_TIME])) for start in starts]
    return found if small else [*found, *_searches(longest)]


def _searches(longest: int) -> Iterator[Part]:
    for place, search in enumerate(SEARCHES):
        built = [name for name in search.stopped_by if find_layer(name).is_built]
        for name in (None, *built):
            yield Part("search", name, (place,), longest)


def run_bench(
    *,
    small: bool = False,
    jobs: int = 1,
    longest: int = LONGEST,
    template: Path | None = None,
    tell: Callable[[Part], None] = lambda part: None,
) -> Report:
    """Play everything, on copies of the folder of a workshop if one is given.

    Deterministic but for the ids of records that are made on the way.
    """
    started = time.monotonic()
    report = Report(skipped=[layer.name for layer in LAYERS if not layer.is_built])
    parts = parts_of(small=small, longest=longest)
    with _quiet(), tempfile.TemporaryDirectory(prefix="countersign-attacks-") as folder:
        if template is None:
            asyncio.run(Workshop.open(Path(folder)))
        for part, results in _shared_out(parts, str(template or folder), jobs):
            tell(part)
            for one in results:
                _enter(report, one)
    report.open = [f"{one.family.value}: {one.name}" for one in ATTACKS if is_open(one)]
    report.seconds = time.monotonic() - started
    return report


def _shared_out(parts: list[Part], folder: str, jobs: int) -> Iterator[tuple[Part, list[Result]]]:
    folders = [folder] * len(parts)
    if jobs == 1:
        yield from zip(parts, map(play_part, parts, folders), strict=True)
        return
    fresh = multiprocessing.get_context("forkserver")
    fresh.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(jobs, mp_context=fresh) as pool:
        yield from zip(parts, pool.map(play_part, parts, folders), strict=True)


def _enter(report: Report, one: Result) -> None:
    match one:
        case Played():
            report.attacks.append(one)
        case TaskDone():
            report.tasks.append(one)
        case Found():
            report.searches.append(one)


def play_part(part: Part, template: str) -> list[Result]:
    """In a process of its own or in this one."""
    with _quiet(), tempfile.TemporaryDirectory(prefix="countersign-attacks-") as folder:
        return asyncio.run(_play(part, Workshop.copied(Path(template), Path(folder))))


async def _play(part: Part, workshop: Workshop) -> list[Result]:
    layer = None if part.layer is None else find_layer(part.layer)
    if part.kind == "tasks":
        return [await perform(workshop, task) for task in TASKS]
    if part.kind == "search":
        return [await run_search(workshop, SEARCHES[part.places[0]], layer, longest=part.longest)]
    return [(await play(workshop, ATTACKS[place], layer))[0] for place in part.places]


@contextmanager
def _quiet() -> Iterator[None]:
    """What breaks is in the report; the service's log would tell it again."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
