"""The tools of a company's chat and of the web, as the guards see them. Written from the tools' schemas alone."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crm.connector import Change, FieldChange, Writing
from evals.agentdojo.declare import Argument, Asked, ForeignTool, Kind, Listing, Row, Value, World
from trust.actions import Effect, Outgoing, Recipient


def _is_from_stranger(world: World, row: Row) -> bool:
    """Whether nobody who is a member wrote it. What the copilot wrote itself has labels of its own."""
    return row["sender"] not in world.env.slack.users


CHANNEL = Kind("Channel", {"name": Value(from_outside="always", identifies="channel")})
"""Channels may be shared with other companies, which name them; nothing in the schema says which."""
MEMBER = Kind("Member", {"name": Value(identifies="member"), "email": Value(from_outside="always")})
"""Members are called what the colleague who invited them has entered."""
DIRECT = Kind(
    "DirectMessage",
    {
        "sender": Value(identifies="member", names="Member"),
        "recipient": Value(identifies="member", names="Member"),
        "body": Value(from_outside="by source"),
    },
    _is_from_stranger,
)
POSTED = Kind(
    "ChannelMessage",
    {
        "sender": Value(identifies="member", names="Member"),
        "recipient": Value(from_outside="always", identifies="channel"),
        "body": Value(from_outside="by source"),
    },
    _is_from_stranger,
)
PAGE = Kind("Page", {"url": Value(identifies="url"), "content": Value(from_outside="always")})
MEMBERSHIP = Kind("Membership", {"user": Value(), "channel": Value()})

KINDS = (CHANNEL, MEMBER, DIRECT, POSTED, PAGE, MEMBERSHIP)


def _channels(world: World, arguments: Mapping[str, Any], result: Any) -> Iterable[tuple[str, Row]]:
    return ((str(place), {"name": name}) for place, name in enumerate(result))


def _members(world: World, arguments: Mapping[str, Any], result: Any) -> Iterable[tuple[str, Row]]:
    return ((name, {"name": name}) for name in result)


def _messages(box: str) -> Callable[[World, Mapping[str, Any], Any], Iterable[tuple[str, Row]]]:
    def rows(world: World, arguments: Mapping[str, Any], result: Any) -> Iterable[tuple[str, Row]]:
        return ((f"{arguments[box]}/{place}", one.model_dump()) for place, one in enumerate(result))

    return rows


def _page(world: World, arguments: Mapping[str, Any], result: Any) -> Iterable[tuple[str, Row]]:
    return [(arguments["url"], {"url": arguments["url"], "content": result})]


def _create(kind: Kind, key: Callable[[World, Mapping[str, Any]], str], **names: str) -> Any:
    """A record whose fields the arguments fill; `names` says which field an argument of another name fills."""

    def change(world: World, arguments: Mapping[str, Any]) -> Change:
        new = tuple(FieldChange(names.get(name, name), None, value) for name, value in arguments.items())
        return Change("create", kind.name, key(world, arguments), kind.name, new)

    return change


def _in_inbox(world: World, arguments: Mapping[str, Any]) -> str:
    return f"{arguments['recipient']}/{len(world.env.slack.user_inbox.get(arguments['recipient'], []))}"


def _in_channel(world: World, arguments: Mapping[str, Any]) -> str:
    return f"{arguments['channel']}/{len(world.env.slack.channel_inbox.get(arguments['channel'], []))}"


def _remove(world: World, arguments: Mapping[str, Any]) -> Change:
    operation: Writing = "delete"
    return Change(
        operation, MEMBER.name, arguments["user"], "a member", (FieldChange("name", arguments["user"], None),)
    )


def _to_member(world: World, asked: Asked) -> Outgoing:
    name = str(asked.arguments["recipient"])
    return _message("direct message", [(name, asked.labels["recipient"])], asked, "body", is_staff=True)


def _to_channel(world: World, asked: Asked) -> Outgoing:
    """Everybody in a channel is a member of the workspace."""
    name = str(asked.arguments["channel"])
    return _message("channel", [(name, asked.labels["channel"])], asked, "body", is_staff=True)


def _to_web(world: World, asked: Asked) -> Outgoing:
    url = str(asked.arguments["url"])
    return _message("web page", [(url, asked.labels["url"])], asked, "content", is_staff=False)


def _message(channel: str, recipients: Any, asked: Asked, content: str, *, is_staff: bool) -> Outgoing:
    told = tuple(Recipient(address, label, is_staff=is_staff, name=address) for address, label in recipients)
    return Outgoing(channel, told, asked.labels[content], body=str(asked.arguments[content]), wrong_reader="hold")


TOOLS = (
    ForeignTool("get_channels", Effect.READ, listing=Listing(CHANNEL, _channels)),
    ForeignTool(
        "get_users_in_channel",
        Effect.READ,
        {"channel": Argument("target", "channel")},
        listing=Listing(MEMBER, _members),
    ),
    ForeignTool(
        "read_channel_messages",
        Effect.READ,
        {"channel": Argument("target", "channel")},
        listing=Listing(POSTED, _messages("channel")),
    ),
    ForeignTool(
        "read_inbox",
        Effect.READ,
        {"user": Argument("target", "member")},
        listing=Listing(DIRECT, _messages("user")),
    ),
    ForeignTool(
        "get_webpage", Effect.READ, {"url": Argument("url", "url")}, listing=Listing(PAGE, _page), is_document=True
    ),
    ForeignTool(
        "send_direct_message",
        Effect.SEND,
        {"recipient": Argument("recipient", "member"), "body": Argument("content")},
        change=_create(DIRECT, _in_inbox),
        outgoing=_to_member,
    ),
    ForeignTool(
        "send_channel_message",
        Effect.SEND,
        {"channel": Argument("recipient", "channel"), "body": Argument("content")},
        change=_create(POSTED, _in_channel, channel="recipient"),
        outgoing=_to_channel,
    ),
    ForeignTool(
        "post_webpage",
        Effect.SEND,
        {"url": Argument("url", "url"), "content": Argument("content")},
        change=_create(PAGE, lambda world, arguments: str(arguments["url"])),
        outgoing=_to_web,
    ),
    ForeignTool(
        "add_user_to_channel",
        Effect.WRITE,
        {"user": Argument("target", "member"), "channel": Argument("target", "channel")},
        change=_create(MEMBERSHIP, lambda world, arguments: f"{arguments['user']}/{arguments['channel']}"),
    ),
    ForeignTool(
        "invite_user_to_slack",
        Effect.WRITE,
        {"user": Argument("content"), "user_email": Argument("recipient", "email")},
        change=_create(MEMBER, lambda world, arguments: str(arguments["user"]), user="name", user_email="email"),
    ),
    ForeignTool("remove_user_from_slack", Effect.WRITE, {"user": Argument("target", "member")}, change=_remove),
)
