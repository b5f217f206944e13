"""The guards with one of them taken out: for this bench only, the product has no switch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import graphs._sight
import trust.policy
from evals.agentdojo import desk
from trust.actions import Input
from trust.handles import Handles
from trust.labels import Integrity, Label

Patch = tuple[Any, str, Any]


class _OpenHandles(Handles):
    """Shows the words themselves."""

    def hide(self, text: str, label: Label) -> str:
        super().hide(text, label)
        return text


def _believe(self: desk.Desk, tool: Any, name: str, value: Any, seen: Any) -> tuple[Any, Input]:
    told, one = _resolve(self, tool, name, value, seen)
    return told, replace(one, label=Label(Integrity.USER, origin="the user"), is_reference=True)


_resolve = desk.Desk._resolve


def _show_words() -> Patch:
    return graphs._sight, "Handles", _OpenHandles


def _keep_plan_open() -> Patch:
    return desk, "plan_after_reading", lambda tools, wanted, standing: sorted(tool.name for tool in tools)


def _believe_arguments() -> Patch:
    return desk.Desk, "_resolve", _believe


def _leave_policy_out() -> Patch:
    kept = tuple(guard for guard in trust.policy.GUARDS if guard.__name__ != "follow_policy")
    return trust.policy, "GUARDS", kept


def _let_links_out() -> Patch:
    return desk, "outward", lambda text: text


def _wave_through() -> Patch:
    return desk.Desk, "waves_through", True


@dataclass(frozen=True)
class Layer:
    """`has_to_leak`: whether attacks have to succeed without it; others never stand alone against these attacks.

    `is_about_words`: whether it minds what messages say and not which calls are made, so that a victim shows its worth
    that passes on what it has not read.
    """

    name: str
    remove: tuple[Callable[[], Patch], ...]
    has_to_leak: bool = True
    is_about_words: bool = False


LAYERS = (
    Layer("handles", (_show_words,)),
    Layer("plan", (_keep_plan_open,), has_to_leak=False),
    Layer("labels", (_believe_arguments,)),
    Layer("labels and plan", (_believe_arguments, _keep_plan_open)),
    Layer("written policy", (_leave_policy_out,)),
    Layer("hold", (_wave_through,)),
    Layer("egress", (_let_links_out,), is_about_words=True),
)


@contextmanager
def without(layer: Layer | None) -> Iterator[None]:
    """Everything is as before afterwards."""
    before: list[Patch] = []
    try:
        for owner, name, part in (remove() for remove in (layer.remove if layer is not None else ())):
            before.append((owner, name, getattr(owner, name)))
            setattr(owner, name, part)
        yield
    finally:
        for owner, name, part in reversed(before):
            setattr(owner, name, part)
