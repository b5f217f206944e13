"""What texts are screened with on their way in and out, by tenant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm.ids import TenantId
from trust.content_flag import LEXICON, USUAL, Lexicon
from trust.egress import NO_HOSTS
from trust.injection_screen import screen, texts_in
from trust.links import Hosts

Flag = dict[str, Any]
"""`where` a text came from (user, tool, answer), and the `marks` it has; for tools the name and the `path`."""
EVERYBODY = "*"
_MOST_FLAGS = 40


@dataclass(frozen=True)
class Screens:
    """`link_hosts` by tenant, under `*` for all of them; `lexicons` by tenant, under `default` for the others."""

    link_hosts: Mapping[str, Hosts] = field(default_factory=dict)
    lexicons: Mapping[str, Lexicon] = field(default_factory=dict)

    def hosts(self, tenant: TenantId) -> Hosts:
        """Where links may lead in texts for the tenant."""
        return self.link_hosts.get(tenant, NO_HOSTS) | self.link_hosts.get(EVERYBODY, NO_HOSTS)

    def flag_text(self, tenant: TenantId, text: str, where: str) -> list[Flag]:
        """At most one flag, with all marks of the text."""
        marks = self._marks(tenant, text)
        return [{"where": where, "marks": marks}] if marks else []

    def flag_result(self, tenant: TenantId, name: str, result: Any) -> list[Flag]:
        """One flag for each text of a tool's result that has marks."""
        return [
            {"where": "tool", "tool": name, "path": path[:120], "marks": marks}
            for path, text in texts_in(result)
            if (marks := self._marks(tenant, text))
        ]

    def _marks(self, tenant: TenantId, text: str) -> list[str]:
        lexicon = self.lexicons.get(tenant) or self.lexicons.get("default", USUAL)
        return [*screen(text), *([LEXICON] if lexicon.find(text) else [])]


def orders(flag: Flag) -> bool:
    """Whether a text talks to an assistant or hides something, and is not just rude."""
    return any(mark != LEXICON for mark in flag["marks"])


def added(flags: Sequence[Flag], new: Sequence[Flag]) -> list[Flag]:
    """All flags of a turn, up to a number that no conversation should reach."""
    return [*flags, *new][:_MOST_FLAGS]
