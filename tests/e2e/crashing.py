"""What the killed process and the test that watches it have in common."""

from enum import StrEnum

RENEWAL_ID = "006CS0000000001YAA"


class Instant(StrEnum):
    """When the process dies, in the order in which a turn comes by."""

    REQUEST_WRITTEN = "request-written"
    """The request stands in the database; the turn that made it is only in memory."""
    INTERRUPT_STORED = "interrupt-stored"
    """The conversation's checkpoint waits; the run is not closed."""
    DECIDED = "decided"
    """The decision and its run are stored; nothing was carried out."""
    WRITTEN_UNCOMMITTED = "written-uncommitted"
    """The record is written inside a transaction that is still open."""
    WRITTEN = "written"
    """The change is committed with its ledger row; no checkpoint knows of it."""
    SETTLED = "settled"
    """The checkpoint knows; the model has not been told."""
    ANSWERED = "answered"
    """The answer stands in the checkpoint; the run is not closed."""
    LETTER_TAKEN = "letter-taken"
    """A letter of the outbox is in hand; nothing was delivered."""
    LETTER_DELIVERED = "letter-delivered"
    """The letter lies in its folder; the outbox does not know."""
