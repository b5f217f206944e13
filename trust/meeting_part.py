"""The part of a letter by which calendars take up a meeting: iCalendar (RFC 5545), read back before it counts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from icalendar import Calendar, Event, vCalAddress, vText

from trust.actions import Meeting, Outgoing

METHOD = "REQUEST"


def write_meeting(message: Outgoing, meeting: Meeting, *, uid: str, at: datetime) -> str:
    """An invitation of exactly the message's recipients. Answers go to whoever sends."""
    calendar = Calendar()
    calendar.add("prodid", "-//Countersign//EN")
    calendar.add("version", "2.0")
    calendar.add("method", METHOD)
    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", at.astimezone(UTC))
    event.add("dtstart", meeting.starts.astimezone(UTC))
    event.add("dtend", meeting.ends.astimezone(UTC))
    event.add("summary", meeting.subject)
    if meeting.location:
        event.add("location", meeting.location)
    event.add("organizer", _address(message.reply_to or message.sender, message.sender_name), encode=False)
    for one in message.recipients:
        event.add("attendee", _address(one.address, one.name, RSVP="TRUE"), encode=False)
    calendar.add_component(event)
    return bytes(calendar.to_ical()).decode()


def _address(address: str, name: str, **parameters: str) -> vCalAddress:
    made = vCalAddress(f"MAILTO:{address}")
    for key, value in {**({"CN": name} if name else {}), **parameters}.items():
        made.params[key] = vText(value)
    return made


def says_the_same(text: str, message: Outgoing, meeting: Meeting) -> bool:
    """Whether a calendar finds in the part the approved meeting, the approved people and nothing else."""
    try:
        calendar = Calendar.from_ical(text)
        [event] = [part for part in calendar.walk() if part.name not in ("VCALENDAR",)]
        return (
            event.name == "VEVENT"
            and str(calendar["method"]) == METHOD
            and _facts_of(event) == _facts(message, meeting)
        )
    except (ValueError, KeyError, AttributeError):
        return False


def _facts_of(event: Any) -> Mapping[str, Any]:
    attendees = event.get("attendee", [])
    listed = attendees if isinstance(attendees, list) else [attendees]
    return {
        "starts": event.decoded("dtstart"),
        "ends": event.decoded("dtend"),
        "subject": str(event["summary"]),
        "location": str(event.get("location", "")),
        "organizer": _plain(event["organizer"]),
        "attendees": sorted(map(_plain, listed)),
    }


def _facts(message: Outgoing, meeting: Meeting) -> Mapping[str, Any]:
    return {
        "starts": meeting.starts.astimezone(UTC),
        "ends": meeting.ends.astimezone(UTC),
        "subject": meeting.subject,
        "location": meeting.location,
        "organizer": message.reply_to or message.sender,
        "attendees": sorted(one.address for one in message.recipients),
    }


def _plain(address: Any) -> str:
    return str(address).partition(":")[2]
