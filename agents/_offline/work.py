"""What carrying out a request has at hand: the briefing, the bound tools, and what the thread has found."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agents._offline import compose
from agents._offline.lexicon import REFERENCE_TARGETS
from agents._offline.memory import Known, Memory
from agents._offline.prompt import Briefing, ObjectInfo
from agents._offline.request import Reference
from agents._offline.resolve import GiveUpError, Resolver, Steps
from agents._offline.toolbox import Outcome, Toolbox

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

    @property
    def is_customer(self) -> bool:
        """Customers are served by fewer tools than are bound; those that count or search by name are for staff."""
        return bool(self.briefing.caller and self.briefing.caller.is_customer)

    def need(self, tool: str, doing: str) -> None:
        """Raises: GiveUpError if the tool is not bound."""
        if tool not in self.toolbox:
            raise GiveUpError(f"I cannot {doing} here: the tool for it is not available to me. {self.say_abilities()}")

    def resolve(self, reference: Reference, objects: Sequence[str] = ()) -> Steps[Known]:
        resolver = Resolver(self.briefing, self.toolbox, self.memory, self.bindings)
        return (yield from resolver.resolve(reference, objects))

    def applied(self, outcome: Outcome, doing: str) -> str:
        return compose.say_applied(outcome, self.memory, doing)

    def say_abilities(self) -> str:
        able = [said for tool, said in _ABILITIES if tool in self.toolbox]
        return (
            f"Here I can {enumerate_all(able)}."
            if able
            else "None of the tools I have here are ones I know how to use."
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


def enumerate_all(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
