"""What a suite says: who asks what on which day, and what has to come of it."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from crm.seed import DEFAULT_TODAY
from crm.seed.people import CUSTOMERS, ROLES, STAFF
from evals.quality.expecting import Expectation, Form

SHIPPED = Path(__file__).parents[1] / "suites"
ROUTES = ("clarify", "off_topic", "escalate", "restricted")
"""Where a turn may go besides an agent."""


class Caller(Form):
    """Exactly one of: an employee by key, the first active employee of a role, a verified contact by e-mail address."""

    employee: str | None = None
    role: str | None = None
    contact: str | None = None

    @model_validator(mode="after")
    def check(self) -> Self:
        given = [value for value in (self.employee, self.role, self.contact) if value is not None]
        if len(given) != 1:
            raise ValueError("expected exactly one of employee, role, contact")
        if self.employee is not None and self.employee not in {one.key for one in STAFF if one.is_active}:
            raise ValueError(f"there is no employee {self.employee!r}")
        if self.role is not None and self.role not in {one.role for one in STAFF if one.is_active}:
            roles = ", ".join(one.key for one in ROLES)
            raise ValueError(f"nobody has the role {self.role!r}; roles are {roles}")
        if self.contact is not None and self.contact not in {one.email for one in CUSTOMERS}:
            raise ValueError(f"{self.contact!r} is no verified contact of the seed")
        return self

    @property
    def key(self) -> str | None:
        """The employee's key; None for a contact."""
        if self.role is None:
            return self.employee
        return next(one.key for one in STAFF if one.is_active and one.role == self.role)


class Turn(Form):
    say: str = Field(min_length=1)
    expect: Expectation = Expectation()


class Decision(Form):
    """What the simulated approver does with a request: exactly one of these."""

    approve: bool = False
    reject: str | None = None
    edit: dict[str, Any] | None = None
    """Arguments to put in the place of the requested ones; `fields` is merged, others are replaced."""

    @model_validator(mode="after")
    def check(self) -> Self:
        if sum((self.approve, self.reject is not None, self.edit is not None)) != 1:
            raise ValueError("expected exactly one of approve, reject, edit")
        return self


class Approver(Form):
    """Without decisions, what the case expects is approved and everything else rejected, by whoever may decide."""

    employee: str | None = None
    decisions: tuple[Decision, ...] = ()
    """One per request in their order; the last one stands for all that follow."""


class Fact(Form):
    """Something that a simulated user knows: answered if a question has one of the words."""

    asked: tuple[str, ...]
    says: str
    times: int = Field(default=2, ge=1)
    """How often it is answered before the user loses patience."""


class SimulatedUser(Form):
    """A person played by rules: opens, answers questions from the facts, goes through the agenda, gives up."""

    persona: str
    goal: str
    opens: str = Field(min_length=1)
    manner: Literal["plain", "terse", "chatty"] = "plain"
    facts: tuple[Fact, ...] = ()
    agenda: tuple[str, ...] = ()
    """What is said next whenever no question is open."""
    gives_up_after: int = Field(default=8, ge=1, le=30)
    """Messages at most."""


class Case(Form):
    """One conversation on a fresh copy of the organisation."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    about: str = ""
    caller: Caller | None = None
    today: date | None = None
    instructions: str | None = None
    history: tuple[str, ...] = ()
    """Messages of the user before the case begins; what comes of them is not scored."""
    say: str | None = None
    also: tuple[str, ...] = ()
    """Other wordings; each is a case of its own."""
    turns: tuple[Turn, ...] = ()
    user: SimulatedUser | None = None
    expect: Expectation = Expectation()
    """Of `say`, or of the whole conversation."""
    approver: Approver = Approver()
    tags: tuple[str, ...] = ()

    @model_validator(mode="after")
    def check(self) -> Self:
        if sum((self.say is not None, bool(self.turns), self.user is not None)) != 1:
            raise ValueError("expected exactly one of say, turns, user")
        if self.also and self.say is None:
            raise ValueError("also: goes with say only")
        return self

    @property
    def asker(self) -> Caller:
        """Who asks; only a case of `Suite.all_cases` has somebody for certain."""
        if self.caller is None:
            raise ValueError(f"case {self.id!r} has no caller")
        return self.caller

    @property
    def day(self) -> date:
        return self.today or DEFAULT_TODAY

    def worded(self) -> Iterator["Case"]:
        """This case, and one for each other wording."""
        yield self
        for number, words in enumerate(self.also, 2):
            yield self.model_copy(update={"id": f"{self.id}--{number}", "say": words, "also": ()})


class Given(Form):
    """A record that is there besides the seed. Its id is made of `number`."""

    object: str
    number: int = Field(ge=1, le=99_999)
    owner: str = "ada"
    fields: dict[str, Any]


class Suite(Form):
    suite: str = Field(pattern=r"^[a-z0-9][a-z0-9_]*$")
    about: str = ""
    tenant: str = "northwind"
    today: date = DEFAULT_TODAY
    caller: Caller
    given: tuple[Given, ...] = ()
    cases: tuple[Case, ...] = Field(min_length=1)

    def all_cases(self) -> list[Case]:
        """Every wording of every case, with what the suite says where the case says nothing."""
        return [
            one.model_copy(update={"caller": one.caller or self.caller, "today": one.today or self.today})
            for case in self.cases
            for one in case.worded()
        ]
