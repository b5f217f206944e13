"""The layers of trust, and the service without one of them: for the bench only, the product has no switch."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from crm.database import _NOT_IN_BIN
from evals.attacks.cases import Family
from graphs.context import Limits
from tools._inputs import label_inputs
from trust.actions import Input
from trust.handles import Handles, OutsideText
from trust.labels import Integrity, Label

_SERVICE = frozenset({"agents", "api", "crm", "graphs", "tools", "trust"})


@dataclass
class Build:
    """A service to be made with parts replaced."""

    limits: Limits | None = None
    waves_through: bool = False
    """Whether held requests are approved by nobody who looks."""
    trusts_foreign: bool = False
    """Whether foreign tools pass for the house's own."""
    _before: list[tuple[Any, str, Any]] = field(default_factory=list)

    def put(self, place: str, name: str, part: Any) -> None:
        """Replace a name of a module, or of a class in it (`module:Class`)."""
        module, _, inner = place.partition(":")
        owner = importlib.import_module(module)
        owner = getattr(owner, inner) if inner else owner
        self._before.append((owner, name, owner.__dict__[name]))
        setattr(owner, name, part)

    def swap(self, home: str, name: str, part: Any) -> None:
        """Replace a function or class of the module `home` wherever the service uses it."""
        whole = getattr(importlib.import_module(home), name)
        for module in [one for place, one in sys.modules.items() if place.partition(".")[0] in _SERVICE]:
            if vars(module).get(name) is whole:
                self.put(module.__name__, name, part)

    def drop_guard(self, name: str) -> None:
        policy = importlib.import_module("trust.policy")
        self.put("trust.policy", "GUARDS", tuple(one for one in policy.GUARDS if one.__name__ != name))

    def restore(self) -> None:
        for owner, name, part in reversed(self._before):
            setattr(owner, name, part)
        self._before.clear()


@dataclass(frozen=True)
class Layer:
    """`exists_for`: the families of which something has to succeed without it."""

    name: str
    exists_for: tuple[Family, ...]
    remove: Callable[[Build], None]
    module: str = "trust.policy"
    """What a build has that has the layer."""

    @property
    def is_built(self) -> bool:
        return importlib.util.find_spec(self.module) is not None


@contextmanager
def without(layer: Layer | None) -> Iterator[Build]:
    """The service with that layer taken out, or whole; everything is as before afterwards."""
    build = Build()
    try:
        if layer is not None:
            layer.remove(build)
        yield build
    finally:
        build.restore()


class _OpenHandles(Handles):
    """Shows the words themselves."""

    def hide(self, text: str, label: Label) -> str:
        super().hide(text, label)
        return text


_shared: dict[str, OutsideText] = {}


class _SharedHandles(Handles):
    """The same handles in every conversation."""

    def __init__(self, secret: bytes, thread: str) -> None:
        super().__init__(secret, "", _shared)


def _show_words(build: Build) -> None:
    build.swap("trust.handles", "Handles", _OpenHandles)


def _share_handles(build: Build) -> None:
    _shared.clear()
    build.swap("trust.handles", "Handles", _SharedHandles)


def _keep_plan_open(build: Build) -> None:
    build.swap("graphs._sight", "plan_after_reading", lambda tools, wanted, standing: sorted(t.name for t in tools))


def _trust_arguments(build: Build) -> None:
    def label_all(tool: Any, written: Any, *seen: Any) -> tuple[Input, ...]:
        said = Label(Integrity.USER, frozenset(), frozenset(), "the user")
        left_out = (Input(name, "option", said, True) for name in tool.arguments.model_fields if name not in written)
        told = (replace(one, label=said, is_reference=True) for one in label_inputs(tool, written, *seen))
        return (*told, *left_out)

    build.swap("tools._inputs", "label_inputs", label_all)


def _forget_labels(build: Build) -> None:
    async def keep_nothing(*given: Any, **more: Any) -> None:
        return None

    build.swap("trust.provenance", "keep_labels", keep_nothing)


def _wave_through(build: Build) -> None:
    build.waves_through = True


def _leave_policy_out(build: Build) -> None:
    build.drop_guard("follow_policy")


def _write_to_anybody(build: Build) -> None:
    build.drop_guard("suppress")
    if importlib.util.find_spec("trust.facts") is None:
        return
    facts_of = importlib.import_module("trust.facts").facts_of

    def willing(*given: Any) -> Any:
        return replace(facts_of(*given), recipients_may_read=True, recipients_are_willing=True)

    build.put("trust.guards.follow_policy", "facts_of", willing)


_looks_everywhere: ContextVar[bool] = ContextVar("looks_everywhere", default=False)


def _look_across_tenants(build: Build) -> None:
    """Records are looked up without the tenant's criteria; everything else of the service stays confined."""
    plain = importlib.import_module("crm.database")._Confinement

    class Unconfined(plain):  # type: ignore[misc, valid-type] # the class is found at run time
        @property
        def to_tenant(self) -> Any:
            return _NOT_IN_BIN if _looks_everywhere.get() else self._own

        @to_tenant.setter
        def to_tenant(self, criteria: Any) -> None:
            self._own = criteria

    build.put("crm.database", "_Confinement", Unconfined)
    for name in ("get", "query"):
        _let_look(build, name)


def _let_look(build: Build, name: str) -> None:
    look = getattr(importlib.import_module("crm.repositories.records").EmbeddedCrm, name)

    async def look_everywhere(*given: Any, **more: Any) -> Any:
        token = _looks_everywhere.set(True)
        try:
            return await look(*given, **more)
        finally:
            _looks_everywhere.reset(token)

    build.put("crm.repositories.records:EmbeddedCrm", name, look_everywhere)


def _show_all_records(build: Build) -> None:
    everything = importlib.import_module("crm.repositories.visibility").true
    build.swap("crm.repositories.visibility", "visible_to", lambda *given, **more: everything())


def _lift_limits(build: Build) -> None:
    build.limits = Limits(model_calls=10_000, tool_calls=10_000, calls_per_message=10_000)


def _believe_rows(build: Build) -> None:
    build.put("trust.ledger", "compute_digest", lambda session, approval: approval.digest)


def _let_anybody_decide(build: Build) -> None:
    build.swap("trust.entitlement", "speakers", lambda approval, principal, *, at: [principal.id])


def _let_markup_out(build: Build) -> None:
    build.swap("trust.answers", "is_plain", lambda text: True)
    build.swap("trust.egress", "clean_changes", lambda changes, hosts: changes)


def _believe_answers(build: Build) -> None:
    build.put("trust.grounding:Grounding", "check", lambda self, text: SimpleNamespace(text=text, withheld=[]))


def _trust_foreign(build: Build) -> None:
    build.trusts_foreign = True


def _mask_nothing(build: Build) -> None:
    policy = importlib.import_module("trust.masking.masker").Policy
    build.put("agents._gateway:Asking", "policy", property(lambda self: policy(personal=False)))


F = Family

LAYERS: tuple[Layer, ...] = (
    Layer("handles", (F.LEAD_FORM, F.INBOUND_MAIL, F.HIDDEN), _show_words),
    Layer("handle binding", (F.PLACEHOLDER,), _share_handles),
    Layer("plan", (F.RECIPIENT,), _keep_plan_open, "tools.sending"),
    Layer("labels", (F.HIJACK, F.TAMPERING, F.LIES, F.LAUNDERING), _trust_arguments, "trust.cedar"),
    Layer("kept labels", (F.LAUNDERING,), _forget_labels, "trust.cedar"),
    Layer("foreign words", (F.POISONED_TOOL,), _trust_foreign),
    Layer("written policy", (F.HIJACK, F.TAMPERING, F.LIES), _leave_policy_out, "trust.cedar"),
    Layer("hold", (F.TAMPERING, F.CONFIRMATION, F.POISONED_TOOL), _wave_through),
    Layer("second person", (F.APPROVAL,), _let_anybody_decide),
    Layer("bound approval", (F.APPROVAL,), _believe_rows),
    Layer("suppression", (F.RECIPIENT,), _write_to_anybody, "tools.sending"),
    Layer("tenant wall", (F.CROSS_TENANT,), _look_across_tenants),
    Layer("record rights", (F.CROSS_TENANT,), _show_all_records),
    Layer("egress", (F.EXFILTRATION,), _let_markup_out, "trust.egress"),
    Layer("grounding", (F.LIES,), _believe_answers, "trust.grounding"),
    Layer("masking", (F.PLACEHOLDER, F.LEAD_FORM), _mask_nothing, "trust.masking"),
    Layer("limits", (F.BUDGET,), _lift_limits),
)


def find_layer(name: str) -> Layer:
    """Raises: LookupError."""
    found = next((layer for layer in LAYERS if layer.name == name), None)
    if found is None:
        raise LookupError(f"there is no layer {name!r}; there are {', '.join(layer.name for layer in LAYERS)}")
    return found
