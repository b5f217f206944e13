"""Writes the text of an e-mail from what the thread holds; claims nothing else."""

import re

from agents._offline.memory import Known
from agents._offline.prompt import Caller
from agents._offline.request import Request
from agents._offline.words import tokenize

_PURPOSES = {"asking": "ask", "telling": "tell", "explaining": "explain", "confirming": "confirm"}
_REQUESTS = (*_PURPOSES, "thanking", "saying", "that ")
_READER = re.compile(r"^(?:him|her|them)\b", re.IGNORECASE)
_STATEMENT = re.compile(r"^(?:saying(?: that)?|that|telling (?:him|her|them)(?: that)?) (?=\S)", re.IGNORECASE)
_THANKS = re.compile(r"^thanking(?: him| her| them)?(?: for)? ?", re.IGNORECASE)


def write_draft(request: Request, person: Known | None, record: Known | None, caller: Caller | None) -> tuple[str, str]:
    """Subject and body."""
    topic = request.text.strip(" .")
    subject = _subject(request.note, topic, record)
    greeting = f"Hi {_first_name(person.name)}," if person and person.name else "Hello,"
    lines = [greeting, "", _opening(request.note, topic, record)]
    if caller:
        lines += ["", "Best regards,", caller.name]
    return subject, "\n".join(lines)


def _first_name(name: str) -> str:
    tokens = tokenize(name)
    return tokens[0].text if tokens else name


def _label(record: Known) -> str:
    number = record.details.get("CaseNumber") or record.details.get("number")
    if number:
        return f"case {number}" + (f' ("{record.name}")' if record.name else "")
    return f'"{record.name}"' if record.name else record.object.lower()


def _subject(manner: str, topic: str, record: Known | None) -> str:
    lead = {"follow-up": "Follow-up", "followup": "Follow-up", "thank-you": "Thank you", "thankyou": "Thank you"}.get(
        manner, manner.capitalize()
    )
    bare = _purpose(topic) if topic.startswith(_REQUESTS) else topic
    about = bare.removeprefix("the ") or (record.name if record else "")
    number = record.details.get("CaseNumber") if record else None
    text = ": ".join(part for part in (lead, about[:1].upper() + about[1:]) if part) or "Your request"
    return f"{text[:120]} (case {number})" if number and str(number) not in text else text[:120]


def _purpose(topic: str) -> str:
    """What a message in the user's own words is about, short enough for a subject."""
    if _THANKS.match(topic):
        return "Thank you"
    if said := _STATEMENT.match(topic):
        return topic[said.end() :]
    return (
        _READER.sub("", topic.partition(" ")[2]).strip().removeprefix("to ").removeprefix("for ").removeprefix("about ")
    )


def _is_just(topic: str, record: Known) -> bool:
    """Whether the topic only names the record: 'case 00001234', 'the Globex rollout'."""
    words = {token.low for token in tokenize(topic)} - {"the", "case", "ticket", "our", "deal", "opportunity", "#"}
    named = {token.low for token in tokenize(record.name)} | {str(record.details.get("CaseNumber") or "").lower()}
    return bool(words) and (words <= named or words == {record.record_id.lower()})


def _say_purpose(topic: str) -> str:
    """The user's own words, turned from about the reader to the reader."""
    if said := _THANKS.match(topic):
        reason = topic[said.end() :]
        return f"Thank you for {reason}." if reason else "Thank you."
    if said := _STATEMENT.match(topic):
        statement = topic[said.end() :]
        return f"{statement[:1].upper()}{statement[1:]}."
    verb, _, rest = topic.partition(" ")
    rest = _READER.sub("you", rest)
    return (
        f"I am writing to {_PURPOSES[verb]} {rest}." if verb in _PURPOSES and rest else f"I am writing about {topic}."
    )


def _opening(manner: str, topic: str, record: Known | None) -> str:
    if record and topic and _is_just(topic, record):
        topic = _label(record)
    about = f" It concerns {_label(record)}." if record and topic and topic != _label(record) else ""
    if manner in ("thank-you", "thankyou"):
        return (f"Thank you for {topic}." if topic else "Thank you.") + about
    if topic.startswith(_REQUESTS):
        return _say_purpose(topic) + about
    if topic:
        lead = "I would like to follow up on" if manner.startswith("follow") else "I am writing about"
        return f"{lead} {topic}.{about}"
    if record:
        lead = "I would like to follow up on" if manner.startswith("follow") else "I am writing about"
        return f"{lead} {_label(record)}."
    return "I would like to follow up with you." if manner.startswith("follow") else "I am writing to get in touch."
