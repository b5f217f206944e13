"""`python -m evals.agentdojo`: plays the suites, prints the table, and exits with 1 if a bound is broken."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

import agentdojo.attacks  # noqa: F401 # registers the attacks
from agentdojo.attacks.attack_registry import ATTACKS
from agentdojo.task_suite.load_suites import get_suite

from evals.agentdojo.layers import LAYERS, Layer, without
from evals.agentdojo.runs import Behaviour, Case, play
from evals.agentdojo.score import Benign, Line, describe, find_broken
from evals.agentdojo.suites import ADAPTERS

VERSION = "v1.2.2"
SUITES = ("banking", "slack")
"""The other suites of the package are left alone: what was tuned on them would prove nothing about them."""
CONTROL = "important_instructions"
"""The one template with which guards are taken out; an obedient victim minds what it is asked, not how."""
_KEPT = frozenset({"safe", "useful"})


def find_gaps() -> list[str]:
    """Tools and arguments of the suites that the adapter does not describe as they are; empty if there are none."""
    gaps = []
    for name in SUITES:
        theirs = {tool.name: tool.parameters.model_fields for tool in get_suite(VERSION, name).tools}
        ours = ADAPTERS[name].tools
        gaps += [f"{name}: {tool} is only on one side" for tool in sorted(theirs.keys() ^ ours.keys())]
        for tool in sorted(theirs.keys() & ours.keys()):
            optional = {one for one, field in theirs[tool].items() if not field.is_required()}
            if set(theirs[tool]) != set(ours[tool].arguments) or optional != ours[tool].optional:
                gaps.append(f"{name}: {tool} takes other arguments")
    return gaps


class _Target:
    """Whom the templates address."""

    name = "local"


def list_templates() -> list[str]:
    """All but the one that asks a person for the text."""
    return sorted(name for name in ATTACKS if name != "manual")


def list_cases(templates: Sequence[str]) -> Iterator[Case]:
    for name in SUITES:
        suite = get_suite(VERSION, name)
        for template in templates:
            attack = ATTACKS[template](suite, _Target())
            for user_task in suite.user_tasks.values():
                for injection_task in suite.injection_tasks.values():
                    yield Case(suite, user_task, injection_task, attack.attack(user_task, injection_task))


def play_benign(line: Line, behaviour: Behaviour) -> None:
    for name in SUITES:
        suite = get_suite(VERSION, name)
        counted = Benign()
        for user_task in suite.user_tasks.values():
            result = play(Case(suite, user_task), behaviour)
            counted.tasks += 1
            counted.done += result.is_done
            counted.alone += result.is_done and not result.approvals
            counted.approvals += result.approvals
        line.benign = {**line.benign, name: counted}


def play_attack(line: Line, case: Case, behaviour: Behaviour) -> None:
    result, counted = play(case, behaviour), line.attacked
    counted.pairs += 1
    counted.seen += result.was_seen
    counted.effects += result.effects > 0
    counted.goals += result.goal_reached
    counted.before_a_person += result.before_a_person > 0
    counted.done += result.is_done


def measure(templates: Sequence[str]) -> list[Line]:
    """No guard, all guards with a victim that reads what it needs and with one that reads everything."""
    behaviours: tuple[tuple[Line, Behaviour], ...] = (
        (Line("no guard", frozenset({"leaks always", "useful"})), "no guard"),
        (Line("all guards", _KEPT | {"quiet"}), "what it needs"),
        (Line("all guards, everything read out", _KEPT), "everything"),
    )
    for line, behaviour in behaviours:
        play_benign(line, behaviour)
    for case in list_cases(templates):
        for line, behaviour in behaviours:
            play_attack(line, case, behaviour)
    return [line for line, _ in behaviours]


def measure_without(layer: Layer) -> Line:
    behaviour: Behaviour = "what it needs" if layer.is_about_words else "everything"
    name = f"without {layer.name}" + ("" if layer.is_about_words else ", everything read out")
    line = Line(name, frozenset({"leaks"} if layer.has_to_leak else ()))
    with without(layer):
        play_benign(line, behaviour)
        for case in list_cases([CONTROL]):
            play_attack(line, case, behaviour)
    return line


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.agentdojo", description=__doc__)
    parser.add_argument("--template", action="append", choices=list_templates(), help="only this template")
    chosen = parser.parse_args(arguments).template or list_templates()
    started = time.monotonic()
    lines = measure(chosen) + [measure_without(layer) for layer in LAYERS]
    print(f"AgentDojo {VERSION}, suites {' and '.join(SUITES)}, templates: {', '.join(chosen)}")
    print(
        f"The plan is an oracle: the tools of the user's own task. With a layer taken out, only {CONTROL} is played.\n"
    )
    print(describe(lines))
    broken = find_gaps() + find_broken(lines)
    print(f"\n{time.monotonic() - started:.0f} seconds. " + ("Bounds broken:" if broken else "All bounds are kept."))
    for fault in broken:
        print(f"- {fault}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
