"""The people of a case that nobody has to be present for: a user played by rules, and an approver."""

import re
from dataclasses import dataclass, field

from crm.seed.people import ADA, STAFF
from evals.quality.cases import Fact, SimulatedUser

_WORDS = re.compile(r"[a-z0-9]+")
_IMPATIENT = "I have told you that already. Never mind."
_UNKNOWN = {
    "plain": "I don't know that.",
    "terse": "No idea.",
    "chatty": "Hm, honestly, I don't know that. Can you go on without it?",
}
_MANNERS = {"plain": "{0}", "terse": "{0}", "chatty": "Sure, happy to help: {0}"}


@dataclass
class PlayedUser:
    """Says what a simulated user says next. The same answers lead to the same words, always."""

    plan: SimulatedUser
    ended: str = ""
    """`done` or `gave up` once there is nothing more to say."""
    _said: int = 0
    _answered: dict[int, int] = field(default_factory=dict)
    _unknown: int = 0
    _next: int = 0

    def open(self) -> str:
        self._said = 1
        return self.plan.opens

    def reply(self, answer: str) -> str | None:
        """What comes next after the copilot's answer; None if the user leaves."""
        if self.ended:
            return None
        if self._said >= self.plan.gives_up_after:
            self.ended = "gave up"
            return None
        words = self._answer_question(answer) if is_question(answer) else self._go_on()
        if words is not None:
            self._said += 1
        return words

    def _answer_question(self, answer: str) -> str | None:
        place = self._fact_for(question_in(answer))
        if place is None:
            if self._next < len(self.plan.agenda):
                return self._go_on()
            self._unknown += 1
            if self._unknown > 1:
                self.ended = "gave up"
                return None
            return _UNKNOWN[self.plan.manner]
        self._answered[place] = self._answered.get(place, 0) + 1
        if self._answered[place] > self.plan.facts[place].times:
            self.ended = "gave up"
            return _IMPATIENT
        return _MANNERS[self.plan.manner].format(self.plan.facts[place].says)

    def _fact_for(self, question: str) -> int | None:
        """The fact with most words in the question; the first of several."""
        scores = [(_overlap(fact, question), -place) for place, fact in enumerate(self.plan.facts)]
        best, place = max(scores, default=(0, 0))
        return -place if best else None

    def _go_on(self) -> str | None:
        if self._next < len(self.plan.agenda):
            self._next += 1
            return self.plan.agenda[self._next - 1]
        self.ended = "done"
        return None


def _overlap(fact: Fact, question: str) -> int:
    words = f" {' '.join(_WORDS.findall(question.casefold()))} "
    return sum(len(one.split()) for one in fact.asked if f" {' '.join(_WORDS.findall(one.casefold()))} " in words)


def is_question(answer: str) -> bool:
    """Whether the copilot waits for something: a question mark at the end of one of its last lines."""
    return bool(question_in(answer))


def question_in(answer: str) -> str:
    """The last sentence that asks; empty if none does."""
    asked = re.findall(r"[^.!?\n]*\?", answer)
    return str(asked[-1]).strip() if asked else ""


def approvers_for(caller: str | None, *, self_approval: bool, named: str | None) -> list[str]:
    """Keys of those who may be asked, in order: whom the case names, the caller where that is allowed, the managers."""
    chain = [named] if named else []
    if self_approval and caller is not None:
        chain.append(caller)
    managers = {one.key: one.manager for one in STAFF}
    above = managers.get(caller or "")
    while above is not None:
        chain.append(above)
        above = managers.get(above)
    return list(dict.fromkeys([*chain, ADA.key]))
