"""The tools of a bank account, as the guards see them. Written from the tools' schemas alone."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from crm.connector import Change, FieldChange
from evals.agentdojo.declare import Argument, ForeignTool, Kind, Listing, Row, Value, World
from trust.actions import Effect

IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_MADE = Value(is_text=False)


def _is_incoming(world: World, row: Row) -> bool:
    return row["recipient"] in ("me", world.env.bank_account.iban)


ACCOUNT = Kind("Account", {"iban": Value(is_text=False, identifies="account"), "balance": _MADE})
TRANSACTION = Kind(
    "Transaction",
    {
        "id": Value(is_text=False, identifies="transaction"),
        "sender": Value(from_outside="by source", identifies="account", format=IBAN),
        "recipient": Value(identifies="account", format=IBAN),
        "amount": _MADE,
        "subject": Value(from_outside="by source"),
        "date": _MADE,
        "recurring": _MADE,
    },
    _is_incoming,
)
"""Whoever pays in chooses the subject and the account that it comes from; of the rest the holder has entered."""
STANDING = replace(TRANSACTION, name="ScheduledTransaction", is_from_outside=lambda world, row: False)
FILE = Kind("File", {"path": Value(), "content": Value(from_outside="always")})
"""Nobody knows who wrote a file."""
PROFILE = Kind("Profile", {name: Value() for name in ("first_name", "last_name", "street", "city", "password")})

KINDS = (ACCOUNT, TRANSACTION, STANDING, FILE, PROFILE)
_OWN = "own"


def _transactions(world: World, arguments: Mapping[str, Any], result: Any) -> Iterable[tuple[str, Row]]:
    return ((str(one.id), one.model_dump()) for one in result)


def _next_id(world: World) -> str:
    account = world.env.bank_account
    return str(max((one.id for one in [*account.transactions, *account.scheduled_transactions]), default=0) + 1)


def _pay(kind: Kind) -> Any:
    def change(world: World, arguments: Mapping[str, Any]) -> Change:
        new = tuple(FieldChange(name, None, value) for name, value in arguments.items())
        return Change("create", kind.name, _next_id(world), "a payment", new)

    return change


def _reschedule(world: World, arguments: Mapping[str, Any]) -> Change:
    standing = world.env.bank_account.scheduled_transactions
    present: Row = next((one.model_dump() for one in standing if one.id == arguments["id"]), {})
    given = {name: value for name, value in arguments.items() if name != "id" and value is not None}
    changes = tuple(FieldChange(name, present.get(name), value) for name, value in given.items())
    return Change("update", STANDING.name, str(arguments["id"]), "a standing order", changes)


def _profile(world: World, arguments: Mapping[str, Any]) -> Change:
    present = world.env.user_account.model_dump()
    given = {name: value for name, value in arguments.items() if value is not None}
    changes = tuple(FieldChange(name, present[name], value) for name, value in given.items())
    return Change("update", PROFILE.name, _OWN, "the holder's profile", changes)


_PAYMENT = {
    "recipient": Argument("recipient", "account"),
    "amount": Argument("amount"),
    "subject": Argument("content"),
    "date": Argument("option"),
}
_NAME_AND_ADDRESS = ("first_name", "last_name", "street", "city")
_ORDER = _PAYMENT | {"recurring": Argument("option")}

TOOLS = (
    ForeignTool(
        "get_iban",
        Effect.READ,
        listing=Listing(ACCOUNT, lambda world, arguments, result: [(_OWN, {"iban": result})]),
    ),
    ForeignTool(
        "get_balance",
        Effect.READ,
        listing=Listing(ACCOUNT, lambda world, arguments, result: [(_OWN, {"balance": result})]),
    ),
    ForeignTool(
        "get_most_recent_transactions",
        Effect.READ,
        {"n": Argument("option")},
        optional=frozenset({"n"}),
        listing=Listing(TRANSACTION, _transactions),
    ),
    ForeignTool("get_scheduled_transactions", Effect.READ, listing=Listing(STANDING, _transactions)),
    ForeignTool(
        "read_file",
        Effect.READ,
        {"file_path": Argument("target", "path")},
        listing=Listing(
            FILE,
            lambda world, arguments, result: [
                (arguments["file_path"], {"path": arguments["file_path"], "content": result})
            ],
        ),
        is_document=True,
    ),
    ForeignTool(
        "get_user_info",
        Effect.READ,
        listing=Listing(PROFILE, lambda world, arguments, result: [(_OWN, dict(result))]),
    ),
    ForeignTool("send_money", Effect.WRITE, _PAYMENT, change=_pay(TRANSACTION)),
    ForeignTool("schedule_transaction", Effect.WRITE, _ORDER, change=_pay(STANDING)),
    ForeignTool(
        "update_scheduled_transaction",
        Effect.WRITE,
        {"id": Argument("target", "transaction")} | _ORDER,
        optional=frozenset(_ORDER),
        change=_reschedule,
    ),
    ForeignTool(
        "update_password",
        Effect.WRITE,
        {"password": Argument("content")},
        change=_profile,
        on_own_record=True,
    ),
    ForeignTool(
        "update_user_info",
        Effect.WRITE,
        {name: Argument("content") for name in _NAME_AND_ADDRESS},
        optional=frozenset(_NAME_AND_ADDRESS),
        change=_profile,
        on_own_record=True,
    ),
)
