"""What is switched off does nothing, by whichever way it is asked for; taking back stays possible."""

from dataclasses import replace

import pytest

from agents._roster import load_roster
from tests.trust.acting import customer, reads, staff, update, writes
from tools._catalogue import load_catalogue
from trust.actions import UNDO, UNDOER, Action
from trust.decisions import Allow, Deny
from trust.guards.heed_switches import heed_switches
from trust.halts import Halt, Halts

ALL = Halts(everything=Halt("tenant", "", "a wrong day"))
SALES = Halts(agents={"sales": Halt("agent", "sales", "it misreads")})
UPDATES = Halts(tools={"update_record": Halt("tool", "update_record", "")})
TAKE_BACK = replace(writes(update("Opportunity", NextStep="x")), tool=UNDO, agent=UNDOER)


@pytest.mark.parametrize(
    ("halts", "action", "why"),
    [
        pytest.param(ALL, reads(), "the copilot is switched off: a wrong day", id="a read"),
        pytest.param(ALL, writes(), "the copilot is switched off: a wrong day", id="a proposal"),
        pytest.param(SALES, reads(), "the sales agent is switched off: it misreads", id="an agent"),
        pytest.param(UPDATES, writes(update("Lead")), "the tool 'update_record' is switched off", id="a tool"),
        pytest.param(
            Halts(tools={UNDO: Halt("tool", UNDO, "")}), TAKE_BACK, "the tool 'undo' is switched off", id="undoing"
        ),
    ],
)
def test_what_is_switched_off_is_denied(halts: Halts, action: Action, why: str) -> None:
    assert heed_switches(action, replace(staff(), halts=halts)) == Deny("heed_switches", why)


@pytest.mark.parametrize(
    ("halts", "action"),
    [
        pytest.param(Halts(), writes(), id="nothing is"),
        pytest.param(SALES, replace(reads(), agent="service"), id="another agent"),
        pytest.param(UPDATES, reads(), id="another tool"),
        pytest.param(ALL, TAKE_BACK, id="taking back on a wrong day"),
        pytest.param(Halts(agents={"update_record": Halt("agent", "update_record", "")}), writes(), id="a namesake"),
    ],
)
def test_everything_else_goes_on(halts: Halts, action: Action) -> None:
    assert heed_switches(action, replace(staff(), halts=halts)) == Allow()


def test_only_both_names_together_are_taking_back() -> None:
    principal = replace(staff(), halts=ALL)
    for action in (replace(TAKE_BACK, agent="sales"), replace(TAKE_BACK, tool="update_record")):
        assert isinstance(heed_switches(action, principal), Deny)


def test_nothing_that_a_model_can_call_goes_by_these_names() -> None:
    assert UNDO not in load_catalogue()
    assert UNDOER not in load_roster()


def test_people_outside_are_not_told_why() -> None:
    assert heed_switches(reads(), replace(customer(), halts=ALL)) == Deny(
        "heed_switches", "the copilot is switched off"
    )
