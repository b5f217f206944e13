"""Reads what people ask about themselves: their own record, or a field of it."""

from agents._offline.prompt import Briefing, Caller
from agents._offline.reader import Reader
from agents._offline.request import Reference, Request, Verb
from agents._offline.words import Kind

_MINE = frozenset("my me mine myself".split())
_DETAILS = frozenset("details data profile information info particulars".split())
_BETWEEN = frozenset("own personal contact customer user current stored".split())
_ABOUT = (["about", "me"], ["about", "myself"], ["on", "me"])


def read_self(clause: str, verb: Verb | None, briefing: Briefing) -> Request | None:
    """'show my details', 'what do you know about me', 'who am I': the whole record of the person who asks."""
    if briefing.caller is None or verb not in (Verb.SHOW, Verb.SUMMARISE, None):
        return None
    words = [token.low for token in Reader.of(clause).tokens if token.kind is Kind.WORD]
    owned = next((at for at, word in enumerate(words) if word in ("my", "our")), len(words))
    rest = [word for word in words[owned + 1 :] if word not in _BETWEEN]
    if words == ["who", "am", "i"] or words[-2:] in _ABOUT or rest[:1] in [[word] for word in _DETAILS]:
        return Request(Verb.SHOW, clause, target=_record_of(briefing.caller))
    return None


def self_meant(reader: Reader, briefing: Briefing) -> Reference | None:
    """The person who asks, for 'which address do you have for me?'; None if anybody else is named."""
    words = {token.low for token in reader.tokens}
    is_named = any(token.is_capital and token.low != "i" for token in reader.tokens[1:])
    return _record_of(briefing.caller) if briefing.caller and words & _MINE and not is_named else None


def _record_of(caller: Caller) -> Reference:
    return Reference(record_id=caller.record_id, objects=("Contact" if caller.is_customer else "User",))
