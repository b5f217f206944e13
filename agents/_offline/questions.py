"""Reads which fields of a record a question is after, and who leads a ranking."""

from collections.abc import Sequence

from agents._offline.lexicon import field_named, usual_fields
from agents._offline.mentions import Mention, find_object, mention_at
from agents._offline.prompt import Briefing, ObjectInfo
from agents._offline.reader import Reader
from agents._offline.words import Kind

_WHEN = {
    "due": "ActivityDate CloseDate ExpirationDate",
    "expire": "ExpirationDate EndDate", "expires": "ExpirationDate EndDate",
    "end": "EndDate", "ends": "EndDate", "start": "StartDate StartDateTime EffectiveDate",
    "starts": "StartDate StartDateTime EffectiveDate", "created": "CreatedDate", "opened": "CreatedDate",
    "close": "CloseDate ClosedDate", "closing": "CloseDate ClosedDate", "closes": "CloseDate ClosedDate",
    "closed": "ClosedDate CloseDate", "updated": "LastModifiedDate", "changed": "LastModifiedDate",
    "modified": "LastModifiedDate",
}  # fmt: skip
_OWNS = (
    "owns", "is responsible for", "is in charge of", "handles", "manages", "is working on", "works on", "looks after",
    "is handling", "is the owner of", "is assigned to", "takes care of",
)  # fmt: skip
_RAISED = (
    "reported", "raised", "opened", "submitted", "complained about", "complained", "filed", "logged", "sent in",
    "asked for", "wrote in about", "is it from", "is affected by",
)  # fmt: skip
_MOST = ("has the most", "have the most", "has the highest number of", "has the largest number of", "with the most")
_ASKS_AFTER = ("of", "for", "does", "is", "did", "on")
_ASKS_BEFORE = ("", "the", "what", "which", "and", ",", "show", "give", "me", "current", "our", "is")


def read_asked_fields(reader: Reader, briefing: Briefing, mention: Mention | None, info: ObjectInfo) -> tuple[str, ...]:
    """The fields a question is after: 'what is the phone number of Acme', 'who owns it', 'when does it close'."""
    head = reader.word(0)
    if head == "who" and (place := reader.find_phrase(*_OWNS)):
        reader.take(0, place[1])
        return ("OwnerId",)
    if head in ("who", "whom") and (place := reader.find_phrase(*_RAISED)):
        reader.take(0, place[1])
        return ("ContactId", "CreatedById")
    if head == "when" and (place := reader.find_phrase(*_WHEN)):
        reader.take(*place)
        return tuple(_WHEN[reader.word(place[0])].split())
    if head == "where" and len(reader) > 2:
        reader.take_phrase("located", "based", "headquartered")
        return ("BillingCity", "BillingState", "BillingCountry", "Location")
    if head in ("which", "what", "where") and (place := reader.find_phrase("work for", "work at", "work", "works for")):
        reader.take(*place)
        reader.take_phrase("company", "account", "customer", "organisation", "organization", "firm")
        return ("AccountId", "Company")
    if reader.low.startswith("how old"):
        reader.take(0, 2)
        return ("CreatedDate",)
    if reader.low.startswith("how much is") and reader.take_phrase("worth"):
        return ("Amount", "GrandTotal", "TotalAmount")
    if "how many employees" in reader.low or "number of employees" in reader.low:
        reader.take_phrase("number of employees", "employees")
        others = _named_fields(reader, briefing, info, head)
        return tuple(dict.fromkeys([*others, "NumberOfEmployees"]))
    return _named_fields(reader, briefing, info, head)


def _named_fields(reader: Reader, briefing: Briefing, info: ObjectInfo, head: str) -> tuple[str, ...]:
    infos = [info] if info.fields else list(briefing.objects.values())
    found: list[str] = []
    for at in range(len(reader)):
        for size in (3, 2, 1):
            words = [reader.word(at + i) for i in range(size)]
            is_free = all(words) and all(reader.is_free(at + i) for i in range(size))
            if not is_free or reader.tokens[at].kind is not Kind.WORD:
                continue
            named = {field.name for candidate in infos if (field := field_named(words, candidate))}
            named |= usual_fields(words, (candidate.name for candidate in infos))
            if named and _asks_field(reader, at, at + size, head, words):
                reader.take(at, at + size)
                found.extend(sorted(named))
                break
    return tuple(dict.fromkeys(found))


def _asks_field(reader: Reader, start: int, end: int, head: str, said: Sequence[str]) -> bool:
    """Whether a word that could be a field is one here, and no part of a name or condition."""
    after, before = reader.word(end), reader.word(start - 1)
    if list(said) in (["company"], ["customer"], ["client"], ["account"]) and after not in ("of", "for"):
        return False
    if after in _ASKS_AFTER and before in _ASKS_BEFORE and (after != "for" or before != "show"):
        return True
    if after in ("and", ",") and before in ("", "the", "what", "is", "are", "me"):
        return True
    if before in ("'s", "its", "his", "her", "their", "my") or (before in ("and", ",") and start > 2):
        return after in ("", "?", ".", "!", "and", ",", "of", "for", "please")
    return head in ("what", "which") and start <= 3 and after in ("is", "does", "of", "for", "did", "do", "have")


def read_role(reader: Reader, briefing: Briefing) -> str:
    """The job title in 'who is the CTO of Globex'; empty if that is not what is asked. Takes all but the company."""
    if reader.word(0) != "who" or not {"Title", "AccountId"} <= set(briefing.object("Contact").fields):
        return ""
    start = 2 + (reader.word(2) == "the")
    end = next((at for at in range(start, len(reader)) if reader.word(at) in ("of", "at", "for")), 0)
    if reader.word(1) not in ("is", "are") or not start < end < len(reader) - 1 or start == 2:
        return ""
    if any(mention_at(reader, at, briefing) for at in range(start, end)) or reader.word(start) in ("owner", "contact"):
        return ""
    reader.take(0, end)
    return reader.rest(start, end)


def read_champion(reader: Reader, briefing: Briefing) -> tuple[Mention, str] | None:
    """'who has the most open cases': what is counted, and the field by which it is grouped."""
    place = reader.find_phrase(*_MOST)
    if place is None:
        return None
    leader = "owner"
    for at in range(place[0]):
        if mention := mention_at(reader, at, briefing):
            leader = {"Account": "account", "Contact": "contact"}.get(mention.name, "owner")
    reader.take(0, place[1])
    counted = find_object(reader, briefing)
    field = field_named([leader], briefing.object(counted.name)) if counted else None
    return (counted, field.name) if counted and field else None
