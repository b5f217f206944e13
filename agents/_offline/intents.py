"""Which kind of work a clause asks for."""

import re

from agents._offline.lexicon import OBJECT_WORDS, closest
from agents._offline.request import Verb
from agents._offline.words import singular, tokenize

HEAD_WORDS = frozenset(
    """show list display find search create update change remind summarise summarize summary count draft compose assign
    reassign reopen escalate rename advance rename total average timeline overview""".split()
)
_ARTICLE = r"(?: me| us)?(?: (?:a|an|the|another|new|one|quick|short|high|low|urgent|normal|priority|public|internal|follow-?up|private|customer))*"
_RULES: tuple[tuple[Verb, re.Pattern[str]], ...] = tuple(
    (verb, re.compile(pattern))
    for verb, pattern in (
        (
            Verb.MORE,
            r"^(?:show |load |give |see )?(?:me )?(?:some |the )?(?:more|next page|next|continue|the rest|rest|next ones|remaining ones)(?: please| results| ones| of them)?\W*$",
        ),
        (
            Verb.HELP,
            r"^(?:help|what (?:can|could|do) you (?:do|help)|how can you help|who are you|what are you|what can i (?:ask|do))",
        ),
        (
            Verb.THANKS,
            r"^(?:thanks|thank you|thx|cheers|great|perfect|awesome)[\s!.,]*(?:a lot|so much|very much)?[\s!.,]*$",
        ),
        (Verb.GREET, r"^(?:hi|hello|hey|good (?:morning|afternoon|evening)|greetings)(?: there)?\W*$"),
        (
            Verb.TASK,
            r"^remind me\b|^(?:create|add|make|set up|set|new|schedule|put)"
            + _ARTICLE
            + r" (?:task|reminder|to-?do)\b(?! (?:list|status|priority|due))",
        ),
        (Verb.TASK, r"^(?:task|todo|to-do|reminder)\b ?:|^do not let me forget"),
        (
            Verb.CALL,
            r"^(?:log|record|register|note down|note|track)\b.{0,30}?\b(?:call|called|phone call|spoke|conversation)\b|^i (?:just )?(?:called|phoned|spoke (?:to|with)|talked (?:to|with)|had a call)",
        ),
        (
            Verb.COMMENT,
            r"^(?:add|post|leave|write|put|make)"
            + _ARTICLE
            + r"(?: \w+)? (?:comment|note)\b|^comment\b|^note on\b|^(?:add|post|leave)\b.{1,300}? as an? (?:\w+ )?(?:comment|note)\b",
        ),
        (
            Verb.DRAFT,
            r"^(?:draft|write|compose|prepare|create|send|make)"
            + _ARTICLE
            + r"(?: [\w-]+){0,3}? (?:e-?mail|mail|message|reply|response|follow-?up|letter)\b",
        ),
        (Verb.DRAFT, r"^(?:draft|compose|e-?mail|write to|reply to|respond to|message|answer)\b"),
        (
            Verb.SIMILAR,
            r"\b(?:similar|comparable|alike)\b.{0,40}\b(?:case|ticket|issue|one|problem)s?\b|\b(?:case|ticket|issue)s? (?:like|similar|comparable|resembling)\b|\b(?:seen|had|anything) (?:this|anything|something)? ?(?:like|similar|before)\b|^(?:case|ticket)s? .{0,30}similar",
        ),
        (
            Verb.KNOWLEDGE,
            r"^how (?:do|can|should|would|does) (?:i|we|you|one|a|an|the|customers?|users?)\b|^how to\b|^why (?:does|do|is|are|did|can)\b|\b(?:policy|procedure|troubleshoot\w*|knowledge base|kb|faq|documentation|instructions|steps to|guide)\b|\b(?:articles?|docs)\b.{0,20}\b(?:on|about|for|say)\b|^search (?:the )?knowledge\b|^is it possible\b|^(?:can|may) (?:customers?|a customer)\b",
        ),
        (
            Verb.TIMELINE,
            r"\b(?:what (?:has |have |had )?(?:been )?(?:happened|happening|happen|going on|new)|timeline|activit(?:y|ies)|interactions?|latest (?:with|on|from)|recent (?:news|history|events)|history (?:of|with|for)|been going on|touch ?points?|what did we do|when did (?:we|i) last (?:speak|talk|contact|call|meet)|last (?:contact|touch|conversation))\b",
        ),
        (
            Verb.SUMMARISE,
            r"\b(?:summari[sz]e|summary|summari[sz]ed|overview|recap|sum up|catch me up|get me up to speed|fill me in|rundown|run-down|tl;?dr|background on|where do we stand|walk me through|360)\b|^brief\b|^prepare\b.{0,30}\bfor\b|^(?:get )?ready for|\bbriefing\b|^how (?:is|are) .{1,80} (?:doing|going|looking|progressing)\b|^tell me (?:more |everything |all )?about\b|^what do (?:we|you) know about\b|^what about (?:the )?(?:account|case|deal|opportunity)\b.{0,5}$",
        ),
        (
            Verb.MEASURE,
            r"\b(?:how many|number of|count)\b|^(?:the )?(?:total|sum|average|avg|mean)\b|\b(?:what is|show|give|get|calculate|compute|find)\b.{0,20}?\b(?:total|sum|average|avg|mean|pipeline|breakdown|distribution|split)\b|^(?:my |our |the )?pipeline\b|^how much\b|\bbroken down\b|^breakdown\b|\b(?:total|average|avg|mean|summed) (?:amount|value|revenue|deal|size|number|probability|price|discount)\b",
        ),
    )
)
_UPDATE = re.compile(
    r"^(?:set|change|update|move|mark|advance|push|rename|assign|reassign|transfer|hand|close(?! date)|reopen|re-open|escalate|bump|raise|"
    r"lower|reschedule|put|switch|make|resolve|increase|decrease|reduce|edit|correct|promote|postpone|extend|bring|cut|drop|hand over|flag|"
    r"take|adjust|modify|fix)\b"
)
_CREATE = re.compile(r"^(?:create|add|new|make|register|enter|open|log|raise|file|save|set up|start)\b")
_SHOW = re.compile(
    r"^(?:show|find|look up|lookup|display|open|view|get|pull up|pull|bring up|fetch|who|which|where|when|search|see|list|give|tell|"
    r"what|do|does|is|are|has|have|any|check|identify|locate)\b"
)


def repair_head(clause: str) -> str:
    """The clause with a misspelt first word put right: 'shwo' -> 'show'."""
    head, _, rest = clause.partition(" ")
    low = head.lower()
    if low in HEAD_WORDS or not low.isalpha() or singular(low) in OBJECT_WORDS:
        return clause
    if low in ("shwo", "hsow", "sohw", "lsit", "fidn"):
        return {"l": "list", "f": "find"}.get(low[0], "show") + " " + rest
    found = closest(low, HEAD_WORDS) if head.islower() or clause[:1].isupper() else None
    return f"{found} {rest}" if found and rest else clause


def recognise_verb(clause: str) -> Verb | None:
    """The kind of work; None if the clause has no verb of ours and may be a name or a follow-up."""
    tokens = tokenize(clause)
    low = " ".join(token.low for token in tokens if token.kind != "quote")
    for verb, pattern in _RULES:
        if pattern.search(low[:600]):
            return verb
    if _CREATE.match(low) and _creates(low):
        return Verb.CREATE
    if _UPDATE.match(low):
        return Verb.UPDATE
    return Verb.SHOW if _SHOW.match(low) else None


def _creates(low: str) -> bool:
    """'open a case' creates one; 'open case 1234' and 'open the Acme account' show one."""
    words = low.split()
    verb = words[0]
    following = [word for word in words[1:6] if word not in ("me", "us", "up")]
    if verb == "new":
        return bool(following) and singular(following[0]) in OBJECT_WORDS
    if verb in ("open", "raise", "start", "make", "log", "file") and (
        not following or following[0] not in ("a", "an", "new", "another")
    ):
        return False
    return any(singular(word) in OBJECT_WORDS or closest(singular(word), OBJECT_WORDS) for word in following[:4])
