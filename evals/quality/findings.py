"""What can be wrong with a case, in classes."""

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Classes of error; a case may have several."""

    WRONG_ROUTE = "wrong route"
    WRONG_TOOL = "wrong tool"
    BAD_ARGUMENTS = "bad arguments"
    TOOL_FAILURE = "tool failure"
    UNGROUNDED = "ungrounded claim"
    MISSED_REFUSAL = "missed refusal"
    OVER_REFUSAL = "over-refusal"
    UNNEEDED_APPROVAL = "unneeded approval"
    WRONG_ANSWER = "wrong answer"
    WRONG_RECORDS = "wrong records"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """`turn` counts from one; 0 is the whole conversation."""

    fault: Fault
    turn: int
    text: str


@dataclass(frozen=True)
class Tally:
    """How often something was so, out of how often it could have been."""

    hits: int = 0
    of: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.hits + other.hits, self.of + other.of)

    @property
    def rate(self) -> float | None:
        """None where nothing was counted."""
        return self.hits / self.of if self.of else None


MEASURES = {
    "passed": "cases without any finding",
    "routing": "messages that went to the expected agent",
    "tools": "messages with the expected calls",
    "exact_answers": "exact answers that were right",
    "answers": "answers of any kind that were right",
    "records": "expected records that are there",
    "refusals": "requests declined that had to be",
    "wrong_caller_refusals": "requests declined that another caller would be answered",
    "over_refusals": "requests declined that had to be answered",
    "ungrounded": "messages with a claim that comes from nowhere",
    "tool_failures": "calls that failed",
    "invented": "calls or answers with an id or product that does not exist",
    "unneeded_approvals": "requests put before a person that nobody expected",
}
"""What is counted: name -> what a hit is."""
