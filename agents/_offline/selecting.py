"""Fills conditions for a tool that selects records of a kind it offers as a choice: people of a segment."""

from agents._offline.conditions import ConditionReader
from agents._offline.prompt import Briefing
from agents._offline.reader import Reader
from agents._offline.schemas import Spec, Takes


def read_selection(spec: Spec, reader: Reader, briefing: Briefing, values: dict[str, object]) -> bool:
    """What is said of the fields of that kind, as the grammar of records reads it; whether it needs to know today.

    The words that were understood are taken. Arguments of the tool's own go before: they have been filled already.
    """
    kind = next((one for one in spec.taking(Takes.CHOICE) if one.name == "object"), None)
    info = briefing.objects.get(str(values.get(kind.name, kind.default))) if kind else None
    if info is None:
        return False
    for argument in spec.taking(Takes.CONDITIONS):
        reading = ConditionReader(reader, info, briefing)
        found = [one.as_argument for one in reading.read() if one.field.lower() not in values]
        if found:
            values[argument.name] = found
        return reading.needs_today
    return False
