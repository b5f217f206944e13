"""What carrying out a request has at hand: the briefing, the bound tools, and what the thread has found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agents._offline import compose
from agents._offline.lexicon import EVERY_RECORD_HAS, JOINING, REFERENCE_TARGETS, SHOWN_FIELDS
from agents._offline.memory import Known, Memory
from agents._offline.prompt import Briefing, ObjectInfo
from agents._offline.request import Reference
from agents._offline.resolve import AskError, GiveUpError, Resolver, Steps
from agents._offline.toolbox import Outcome, Toolbox
from agents._offline.words import say_name

_ABILITIES = (
    ("find_record", "find records by name"),
    ("get_record", "show and summarise a record"),
    ("query_records", "list records with conditions"),
    ("aggregate_records", "count and add up"),
    ("activities_timeline", "show recent activity"),
    ("search_knowledge", "answer from knowledge articles"),
    ("similar_cases", "find similar cases"),
    ("lookup_account", "look up an account"),
    ("fetch_cases", "list cases"),
    ("update_record", "change fields"),
    ("create_record", "create records"),
    ("create_task", "create tasks"),
    ("log_call", "log calls"),
    ("add_case_comment", "comment on cases"),
    ("create_draft", "draft e-mails"),
    ("send_email", "send drafts"),
)


@dataclass
class Work:
    """Carries no plan of its own; writes what it learns into `memory`."""

    briefing: Briefing
    toolbox: Toolbox
    memory: Memory
    bindings: dict[str, Known] = field(default_factory=dict)
    _unresolved: dict[tuple[str, tuple[str, ...]], AskError | GiveUpError] = field(default_factory=dict)
    """References that were looked for in this turn and not found, so that nothing is looked for twice."""

    @property
    def is_customer(self) -> bool:
        """Customers are served by fewer tools than are bound; those that count or search by name are for staff."""
        return bool(self.briefing.caller and self.briefing.caller.is_customer)

    def need(self, tool: str, doing: str) -> None:
        """Raises: GiveUpError if the tool is not bound."""
        if tool not in self.toolbox:
            raise GiveUpError(f"I cannot {doing} here: the tool for it is not available to me. {self.say_abilities()}")

    def resolve(self, reference: Reference, objects: Sequence[str] = ()) -> Steps[Known]:
        wanted = (reference.key, reference.objects or tuple(objects))
        if wanted in self._unresolved:
            raise self._unresolved[wanted]
        resolver = Resolver(self.briefing, self.toolbox, self.memory, self.bindings)
        try:
            return (yield from resolver.resolve(reference, objects))
        except (AskError, GiveUpError) as unresolved:
            self._unresolved[wanted] = unresolved
            raise

    def require_readable(self, object_name: str, fields: Iterable[str]) -> None:
        """Raises: GiveUpError with the right that is missing if a usual field is none of those the caller reads."""
        if hidden := self.hidden_among(object_name, fields):
            raise GiveUpError(say_unreadable(object_name, hidden))

    def hidden_among(self, object_name: str, fields: Iterable[str]) -> list[str]:
        """Those of the fields that every CRM has and the caller may not read."""
        seen = {*self.briefing.object(object_name).fields, *EVERY_RECORD_HAS}
        usual = SHOWN_FIELDS.get(object_name, ())
        return list(dict.fromkeys(name for name in fields if name in usual and name not in seen))

    def applied(self, outcome: Outcome, doing: str) -> str:
        return compose.say_applied(outcome, self.memory, doing)

    def say_abilities(self) -> str:
        able = [said for tool, said in _ABILITIES if tool in self.toolbox]
        return (
            f"Here I can {enumerate_all(able)}."
            if able
            else "None of the tools I have here are ones I know how to use."
        )


def say_unreadable(object_name: str, fields: Sequence[str]) -> str:
    labels = enumerate_all([say_name(name) for name in fields])
    rights = enumerate_all([f"{object_name}.{name}" for name in fields])
    return (
        f"You are not permitted to read the {labels} of {compose.say_object(object_name, count=2)}:"
        f" that takes the right to read {rights}."
    )


def links_of(info: ObjectInfo) -> dict[str, str]:
    """Object -> the field of `info` that links to it."""
    names = list(info.fields) if info.fields else ["AccountId", "ContactId"]
    links: dict[str, str] = {}
    for name in [*names, "OwnerId"]:
        for target in REFERENCE_TARGETS.get(name, ()):
            links.setdefault(target, name)
    if info.name == "CaseComment":
        links["Case"] = "ParentId"
    return links


def kinds_between(wanted: str, briefing: Briefing) -> dict[str, str]:
    """Object -> the kind of record that joins it to what is wanted: an opportunity and its products by line items."""
    joined: dict[str, str] = {}
    for name in (one for one in JOINING if one in briefing.objects):
        links = links_of(briefing.object(name))
        if wanted in links or (wanted in JOINING and "Product2" in links):
            for parent in links.keys() - {wanted, "User", "Product2"}:
                joined.setdefault(parent, name)
    return joined


def enumerate_all(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
