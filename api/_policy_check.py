"""Checks a tenant's rules on the machine of whoever writes them. Loaded only when it is asked for."""

from agents._roster import load_roster
from api._terminal import CommandError
from graphs.workflows._book import with_all_agents
from tools._catalogue import load_catalogue
from trust.additions import read_additions
from trust.cedar_rules import PolicyTextError


def known_names() -> dict[str, frozenset[str]]:
    """Names of this program that a tenant's rules may mention."""
    return {"Tool": frozenset(load_catalogue()), "Agent": frozenset(with_all_agents(load_roster()))}


def count_rules(text: str) -> int:
    """How many rules there are. Raises: CommandError for the first that is not good."""
    try:
        return len(read_additions(text, known_names()))
    except PolicyTextError as error:
        raise CommandError(str(error)) from None
