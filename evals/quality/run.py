"""Plays suites, shared out among processes; the same suites, model and seed give the same results."""

import asyncio
import hashlib
import logging
import multiprocessing
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agents._roster import load_roster
from api.wiring import ModelFor
from evals.quality.cases import SHIPPED, Case, Suite
from evals.quality.loading import Names, SuiteError, load_suite
from evals.quality.org import OrgError, Reader, add_given, build_seeded, template_name
from evals.quality.result import CaseResult, RunResult, broken_result, result_of
from evals.quality.score import Scorer
from evals.quality.stage import Workshop
from tools._catalogue import describe_catalogue, load_catalogue

_AT_A_TIME = 6
"""Cases in one part: few, so that processes end at about the same time."""


@dataclass(frozen=True)
class Plan:
    """What is played. `sample`: so many cases at most, chosen by `seed`; for models that cost something."""

    suites: tuple[Suite, ...]
    model: str = "offline"
    jobs: int = 1
    sample: int | None = None
    seed: int = 0
    factor: float = 1.0
    """How much data the organisation has."""

    def cases(self) -> list[tuple[Suite, Case]]:
        every = [(suite, case) for suite in self.suites for case in suite.all_cases()]
        if self.sample is None or self.sample >= len(every):
            return every
        chosen = random.Random(self.seed).sample(range(len(every)), self.sample)  # noqa: S311 - a sample, no secret
        return [every[place] for place in sorted(chosen)]


def names() -> Names:
    """The agents and tools of this build."""
    return Names(agents=frozenset(load_roster()), tools=frozenset(load_catalogue()))


def find_suites(wanted: Sequence[str]) -> tuple[Suite, ...]:
    """Shipped suites by name, others by path; all shipped ones if none is named. Raises: SuiteError."""
    shipped = {path.stem: path for path in sorted(SHIPPED.glob("*.yaml")) if path.stem != "thresholds"}
    paths = [_path_of(one, shipped) for one in wanted] or list(shipped.values())
    suites = tuple(load_suite(path, names()) for path in dict.fromkeys(paths))
    called = [one.suite for one in suites]
    twice = next((name for name in called if called.count(name) > 1), None)
    if twice is not None:
        raise SuiteError(f"two of the files are the suite {twice!r}")
    return suites


def _path_of(wanted: str, shipped: dict[str, Path]) -> Path:
    path = Path(wanted)
    if wanted in shipped:
        return shipped[wanted]
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    raise SuiteError(f"there is no suite {wanted!r}: expected {', '.join(shipped)}, or a YAML file")


def digest_of_prompts() -> str:
    """Changes whenever a tool or an agent says something else to a model."""
    said = [describe_catalogue(), *(f"{one.name}{one.handles}{one.instructions}" for one in load_roster().values())]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


def run_plan(
    plan: Plan,
    *,
    model_for: ModelFor | None = None,
    folder: Path | None = None,
    tell: Callable[[CaseResult], None] = lambda result: None,
) -> RunResult:
    """Play all cases. With `model_for`, in this process only. `folder` keeps the seeded databases for another run."""
    started = time.monotonic()
    result = RunResult(
        {
            "model": plan.model,
            "prompts": digest_of_prompts(),
            "suites": [one.suite for one in plan.suites],
            "seed": plan.seed,
            "sample": plan.sample,
            "factor": plan.factor,
        }
    )
    with quiet(), tempfile.TemporaryDirectory(prefix="countersign-eval-") as made:
        place = folder or Path(made)
        asyncio.run(_build_templates(plan, place))
        for played in _shared_out(plan, place, model_for):
            for one in played:
                tell(one)
                result.cases.append(one)
    result.seconds = time.monotonic() - started
    return result


async def _build_templates(plan: Plan, folder: Path) -> None:
    seeded = folder / "seeded.db"
    if not seeded.exists():
        await build_seeded(seeded, plan.factor)
    for suite in plan.suites:
        template = folder / template_name(suite)
        if not template.exists():
            shutil.copyfile(seeded, template)
            await add_given(template, suite)


Part = tuple[str, str, Path, list[tuple[str, str, Case]]]
"""Model, name of a template, its folder, and cases with suite and tenant."""


def parts_of(plan: Plan, folder: Path) -> Iterator[Part]:
    """All cases in portions that processes can share, in order."""
    chosen = plan.cases()
    for suite in plan.suites:
        cases = [(suite.suite, suite.tenant, case) for one, case in chosen if one is suite]
        for start in range(0, len(cases), _AT_A_TIME):
            yield plan.model, template_name(suite), folder, cases[start : start + _AT_A_TIME]


def _shared_out(plan: Plan, folder: Path, model_for: ModelFor | None) -> Iterator[list[CaseResult]]:
    parts = list(parts_of(plan, folder))
    if plan.jobs == 1 or model_for is not None:
        yield from (play_part(part, model_for) for part in parts)
        return
    fresh = multiprocessing.get_context("forkserver")
    fresh.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(plan.jobs, mp_context=fresh) as pool:
        yield from pool.map(play_part, parts)


def play_part(part: Part, model_for: ModelFor | None = None) -> list[CaseResult]:
    """In a process of its own or in this one."""
    model, template, folder, cases = part
    with quiet(), tempfile.TemporaryDirectory(prefix="countersign-eval-") as own:
        workshop = Workshop(Path(own), model, model_for)

        async def play_all() -> list[CaseResult]:
            return [await _play(workshop, folder / template, suite, tenant, case) for suite, tenant, case in cases]

        return asyncio.run(play_all())


async def _play(workshop: Workshop, template: Path, suite: str, tenant: str, case: Case) -> CaseResult:
    started = time.monotonic()
    try:
        transcript = await workshop.play(case, template, tenant)
        score = Scorer(case, transcript, Reader(template, tenant)).run()
    except OrgError as error:
        return broken_result(suite, case, f"the case is wrong: {error}", time.monotonic() - started)
    except Exception as error:  # one case that breaks is reported; the others are played all the same
        return broken_result(suite, case, f"{type(error).__name__}: {error}", time.monotonic() - started)
    return result_of(suite, case, transcript, score, time.monotonic() - started)


@contextmanager
def quiet() -> Iterator[None]:
    """What breaks is in the report; the service's log would tell it again."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
