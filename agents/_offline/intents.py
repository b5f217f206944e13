"""Which kind of work a clause asks for."""

import re
from collections.abc import Iterable

from agents._offline.lexicon import OBJECT_WORDS, closest
from agents._offline.request import Verb
from agents._offline.words import Kind, singular, tokenize

_MAKING = re.compile(
    r"^(?:write up|draw up|put together|type up|work up|whip up|knock up|make up|make out)"
    r" (?=(?:a|an|the|another|some|my|our|new)\b)",
    re.IGNORECASE,
)
"""Several words for 'create'."""
HEAD_WORDS = frozenset(
    """show list display find search create update change remind summarise summarize summary count draft compose assign
    reassign reopen escalate move mark rename advance total average timeline overview""".split()
)
_MOST_READ = 600
"""Characters of a clause that tell what it asks for."""


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_QUALIFIERS = (
    r"(?: (?:me|us|myself))?(?: (?:a|an|the|another|new|one|quick|short|high|low|urgent|normal|priority|public|internal"
    r"|follow-?up|private|customer|brief|friendly|polite|visible|customer-visible))*"
)
_YES = r"^(?:(?:yes|ok|okay|now|please|then)[ ,]*)*"
_NOUN = r"(?:case|ticket|issue|one|problem|fault|complaint|incident)s?"
_FIGURE = r"(?:total|sum|average|avg|mean|median|pipeline|breakdown|distribution|split|maximum|minimum|max|min)"

_RULES: tuple[tuple[Verb, re.Pattern[str]], ...] = (
    (
        Verb.MORE,
        _any_of(
            r"^(?:show |load |give |see )?(?:me )?(?:some |the )?"
            r"(?:more|next page|next|continue|the rest|rest|next ones|remaining ones|(?:next|other) (?:\d+|few))"
            r"(?: please| results| ones| of them| records)?\W*$"
        ),
    ),
    (
        Verb.HELP,
        _any_of(
            r"^help(?: me)?\W*$",
            r"^what (?:all )?(?:can|could|do) you (?:do|help)",
            r"^how (?:can|do) you help",
            r"^wh(?:o|at) are you\b",
            r"^what can i (?:ask|do)",
        ),
    ),
    (
        Verb.THANKS,
        _any_of(
            r"^(?:thanks|thank you|thx|cheers|great|perfect|awesome)[\s!.,]*(?:a lot|so much|very much)?[\s!.,]*$",
        ),
    ),
    (
        Verb.GREET,
        _any_of(r"^(?:hi|hello|hey|good (?:morning|afternoon|evening)|greetings)(?: there)?\W*$"),
    ),
    (
        Verb.TASK,
        _any_of(
            r"^remind me\b",
            r"^(?:create|add|make|set up|set|new|schedule|put)"
            + _QUALIFIERS
            + r" (?:task|reminder|to-?do)\b(?! (?:list|status|priority|due))",
            r"^(?:task|todo|to-do|reminder)\b ?:",
            r"^(?:a |an )?(?:reminder|task|to-?do)\b.{0,40}\bto\b",
            r"^(?:call|phone|ring|meet)\b.{1,80}\b(?:today|tomorrow|next|monday|tuesday|wednesday|thursday|friday|week)\b",
            r"^(?:schedule|plan|book|set up)(?: an?)? (?:follow-?up|follow up|call|phone call)\b",
            r"^do not let me forget",
            r"^i (?:have|need|must) to remember",
        ),
    ),
    (
        Verb.CALL,
        _any_of(
            r"^(?:log|record|register|note down|note|track|add|enter)\b.{0,30}?"
            r"\b(?:call|called|phone call|spoke|conversation)\b(?! (?:me|back))",
            r"^i (?:have )?(?:just )?(?:called|phoned|rang|spoke (?:to|with)|talked (?:to|with)|had a (?:phone )?call)",
            r"^(?:just )?(?:spoke|talked) (?:to|with)\b",
            r"^(?:just )?had an? (?:\w+ )?(?:call|conversation) (?:with|about)\b",
            r"^(?:i (?:have )?)?(?:just )?(?:(?:got|came|come|am|hung) off|ended|finished)"
            r" (?:the|a|my) (?:phone|call|line) (?:with|to)\b",
            r"^(?:i )?(?:just )?had .{1,40} on the (?:phone|line)\b",
        ),
    ),
    (
        Verb.COMMENT,
        _any_of(
            r"^(?:add|post|leave|write|put|make)" + _QUALIFIERS + r"(?: \w+)? (?:comment|note)\b",
            r"^comment\b",
            r"^note on\b",
            r"^(?:add|post|leave|put)\b.{1,300}? as an? (?:\w+ )?(?:comment|note)\b",
            r"^(?:tell|let) the customer\b",
        ),
    ),
    (
        Verb.SEND,
        _any_of(
            _YES + r"send (?:it|that|this)(?: one)?(?: (?:off|out|now|please))*(?: to .{1,80})?$",
            _YES + r"send (?:off |out )?(?:the|my|this|that)(?: \w+)? draft\b",
        ),
    ),
    (
        Verb.DRAFT,
        _any_of(
            r"^(?:draft|write|compose|prepare|create|send|make|start)"
            + _QUALIFIERS
            + r"(?: [\w-]+){0,3}? (?:e-?mail|mail|message|reply|response|follow-?up|letter)\b",
            r"^draft\b(?! (?:quotes?|orders?|contracts?|articles?|campaigns?)\b)",
            r"^(?:compose|(?:e-?)?mail(?! address| of\b| for\b)|write to|reply to|respond to|message|answer)\b",
            r"^write (?!up\b|me\b|us\b|an?\b|the\b|some\b)",
        ),
    ),
    (
        Verb.SIMILAR,
        _any_of(
            r"\b(?:similar|comparable|alike)\b.{0,40}\b" + _NOUN + r"\b",
            r"\b" + _NOUN + r" (?:that )?(?:like|similar|comparable|resembl\w+)\b",
            r"\b(?:seen|had|met|anything) (?:this|anything|something)? ?(?:like|similar|before)\b",
            r"\b(?:have|had|did) (?:we|you|anyone|anybody|someone) (?:ever |already )?"
            r"(?:seen|see|had|have|met|meet|solved?|fixe?d?|resolved?|handled?|dealt with|deal with|come across"
            r"|encountered?)\b.{0,200}\b"
            r"(?:before|already|in the past|ever)\b",
            r"^(?:case|ticket)s? .{0,30}similar",
            r"\bsimilar to\b|\b(?:cases?|tickets?)\b.{0,20}\b(?:looks?|sounds?|reads?) like\b",
        ),
    ),
    (
        Verb.KNOWLEDGE,
        _any_of(
            r"^how (?:do|can|should|would|does|must) (?:i|we|you|one|a|an|the|customers?|users?)\b",
            r"^how (?:to|often|long)\b(?! has\b| have\b| is\b)",
            r"^how (?:do|does) .{1,60} work\b",
            r"^how (?:much|many) \w+ (?:can|may|should|must) (?:i|we|you)\b",
            r"^why (?:does|do|is|are|did|can)\b",
            r"\b(?:policy|policies|procedure|troubleshoot\w*|knowledge base|kb|faq|documentation)\b",
            r"\bwhat (?:does|do|is) .{1,60} say (?:about|on)\b",
            r"\bwhat (?:do|should|can|shall) (?:i|we) (?:tell|answer|say to)\b",
            r"\b(?:instructions|steps to|guide)\b",
            r"\b(?:articles?|docs)\b.{0,20}\b(?:on|about|for|say|cover\w*|explain\w*)\b",
            r"^search (?:the )?knowledge\b",
            r"^is it (?:possible|ok|okay|allowed)\b",
            r"^what (?:should|must|do|can|shall) (?:i|we|one|a customer|customers) do (?:if|when|about|with)\b",
            r"^(?:can|may|must|should) (?:customers?|(?:a|an|the|this|that|my|our|any) customer|somebody|someone)\b",
        ),
    ),
    (
        Verb.TIMELINE,
        _any_of(
            r"\bwhat (?:is |has |have |had |did )?(?:been )?(?:we )?(?:happened|happening|happen|going on|new)\b",
            r"\b(?:timeline|activity|activities|interactions?|been going on|touch ?points?|what did we do)\b",
            r"\blatest (?:with|on|from)\b",
            r"^(?:is there |are there )?(?:any|some) (?:news|update|updates|word|movement) (?:from|about|on|with|of)\b",
            r"^what is (?:new|up) (?:with|at)\b",
            r"\banything new (?:with|on|at|from)\b",
            r"\b(?:anything|something|much) (?:going on|happening|happened|doing) (?:with|at|on|for|around)\b",
            r"\brecent (?:news|history|events)\b",
            r"\bhistory (?:of|with|for)\b",
            r"\bwhen (?:did|have) (?:we|i) last (?:spoken|speak|talk|talked|contact|contacted|call|called|meet|met)\b",
            r"\blast (?:contact|touch|conversation)\b",
        ),
    ),
    (
        Verb.SUMMARISE,
        _any_of(
            r"\b(?:summari[sz]e|summary|summari[sz]ed|overview|recap|sum up|catch me up|fill me in|rundown|run-down)\b",
            r"^how far (?:along )?(?:are|is|have|has|did|do)\b",
            r"\b(?:up to speed|tl;?dr|background on|where do we stand|walk me through|briefing|360)\b",
            r"^brief\b",
            r"^prepare\b.{0,30}\bfor\b",
            r"^(?:get )?(?:me |us )?ready for",
            r"^how (?:is|are) .{1,80} (?:doing|going|looking|progressing)\b",
            r"^tell me (?:more |everything |all |something )?about\b",
            r"^what do (?:we|you) know about\b",
            r"^what is the (?:story|deal|situation) (?:with|on|around)\b",
            r"^what about (?:the )?(?:account|case|deal|opportunity)\b.{0,5}$",
        ),
    ),
    (
        Verb.MEASURE,
        _any_of(
            r"\bhow many\b",
            r"(?<!phone )(?<!telephone )(?<!case )(?<!order )(?<!mobile )(?<!contact )\bnumber of\b",
            r"^count\b|\bcount (?:of|the|my|our|all|how)\b|\b(?:head )?count (?:per|by)\b",
            r"^(?:the |my |our )?" + _FIGURE + r"\b",
            r"\b(?:what is|what are|show|give|get|calculate|compute|work out|find|tell|need|sum|add)\b.{0,40}?\b"
            + _FIGURE
            + r"\b",
            r"^how much\b",
            r"^how (?:big|large|full) (?:is|are) (?:[\w-]+ ){0,3}pipeline\b",
            r"^(?:the )?(?:value|worth|amount|revenue) of (?:all |my |our |the )*(?:open |won |lost )?"
            r"(?:deals|opportunities|opps|quotes|orders|pipeline)\b",
            r"\badds? up(?: to)?\b|^sum\b",
            r"^(?:are|is) there (?:more|fewer|less) than (?:\d+|\w+) ",
            r"\bbroken down\b|\bdistributed\b",
            r"\b(?:total|average|avg|mean|summed|combined|median) (?:\w+ )?"
            r"(?:amounts?|values?|revenues?|deals?|size|number|probability|prices?|discounts?|budgets?|worth)\b",
            r"^(?:what|which) (?:\w+ ){1,3}has the (?:most|highest number|largest number)\b",
            r"^who has the (?:most|highest number|largest number)\b",
        ),
    ),
)
_UPDATE = re.compile(
    r"^(?:set|change|update|move|mark|advance|push|rename|assign|reassign|transfer|hand|close(?! date)|reopen|re-open"
    r"|escalate|bump|raise|lower|reschedule|put|switch|make|resolve|increase|decrease|reduce|edit|correct|promote"
    r"|postpone|extend|bring(?! up| me)|cut|drop|flag|adjust|modify|fix"
    r"|take(?! a look| me\b)|give (?!me\b|us\b)(?=.{1,80} to \w+(?: \w+)?\W*$)|delay|shift|turn)\b"
)
_CREATE = re.compile(r"^(?:create|add|new|make|register|enter|open|log|raise|file|save|set up|start)\b")
_SHOW = re.compile(
    r"^(?:show|find|look up|lookup|look for|display|open|view|get|pull up|pull|bring up|fetch|who|which|where|when"
    r"|search|see|list|give|tell|what|do|does|is|are|has|have|any|check|identify|locate|how old|whose)\b"
)
_DELETE = re.compile(
    r"^(?:delete|remove|erase|purge|destroy|merge|trash|wipe|convert|compare|send|export|import|undo)\b"
)
"""Work that no tool here does; saying so beats looking for a record of that name."""
_SLIPS = {"shwo": "show", "hsow": "show", "sohw": "show", "shw": "show", "lsit": "list", "fidn": "find", "fnid": "find",
          "wich": "which", "whcih": "which", "whihc": "which", "waht": "what", "wht": "what", "hwo": "how"}  # fmt: skip


_RULES_ASKED = re.compile(
    r"\b(?:guidelines?|rules?|eligib\w+|in (?:our )?appetite|authority|warranty|guarantee|allowed|permitted|entitled)\b"
    r"|^(?:up to|within|for) (?:which|what|how)\b|^how long (?:may|can|must)\b|^what .{1,40} (?:may|must) (?:i|we)\b"
    r"|^who (?:has|have|must|may|needs) (?:to )?(?:approve|sign|agree|authori[sz]e|decide)\b"
    r"|^(?:can|may|must|should|could) (?:i|we|customers?|one)\b(?! (?:see|get|have|talk|speak|look|view|know|please)\b)"
    r"|\b(?:how much|what) discount\b.{0,40}\b(?:may|can|allowed)\b"
    r"|\b(?:maximum|max|highest|largest|biggest|minimum) (?:\w+ )?discount\b|\bdiscount (?:limit|cap)s?\b"
)
_ASKS_ALREADY = re.compile(r"^(?:can|may|could|should|must) (?:i|we) (\w+)")


def asks_for_rules(utterance: str) -> bool:
    """'may I sell this alone?', 'within how many days ...?': what is allowed or holds, and not what records say."""
    low = " ".join(utterance[:_MOST_READ].lower().split())
    if not low.endswith("?") or not _RULES_ASKED.search(low):
        return False
    request = _ASKS_ALREADY.match(low)
    return request is None or request[1] not in HEAD_WORDS


def repair_head(clause: str) -> str:
    """The clause with its first word put right or put plainly: 'shwo' -> 'show', 'draw up a' -> 'create a'."""
    clause = _MAKING.sub("create ", clause)
    head, _, rest = clause.partition(" ")
    low = head.lower()
    if low in HEAD_WORDS or not low.isalpha() or singular(low) in OBJECT_WORDS or not rest:
        return clause
    if any(low.startswith(word) for word in HEAD_WORDS):
        return clause
    if low in _SLIPS:
        return f"{_SLIPS[low]} {rest}"
    found = closest(low, HEAD_WORDS)
    return f"{found} {rest}" if found else clause


def recognise_verb(clause: str) -> Verb | None:
    """The kind of work; None if the clause has no verb of ours and may be a name or a follow-up."""
    low = " ".join(token.low for token in tokenize(clause[:_MOST_READ]) if token.kind is not Kind.QUOTE)
    for verb, pattern in _RULES:
        if pattern.search(low):
            return verb
    if _DELETE.match(low):
        return Verb.DELETE
    if _CREATE.match(low) and _creates(low):
        return Verb.CREATE
    if _UPDATE.match(low):
        return Verb.UPDATE
    return Verb.SHOW if _SHOW.match(low) else None


def _creates(low: str) -> bool:
    """'open a case' creates one; 'open case 1234' and 'open the Acme account' show one."""
    words = low.split()
    verb = words[0]
    following = [word for word in words[1:9] if word not in ("me", "us", "up")]
    if verb in ("add", "register", "save", "enter") and "as" in following[:5]:
        introduced = following[following.index("as") + 1 :][:3]
        marked = introduced[:1] in (["a"], ["an"], ["new"]) or _is_object((introduced or [""])[0])
        return marked and any(_is_object(word) for word in introduced)
    if verb == "new":
        return bool(following) and _is_object(following[0]) and singular(following[0]) == following[0]
    if verb in ("open", "raise", "start", "make", "log", "file") and (
        not following or following[0] not in ("a", "an", "new", "another")
    ):
        return False
    return any(_is_object(word) for word in following[:4]) and not _has_marker(following)


def _is_object(word: str) -> bool:
    return singular(word) in OBJECT_WORDS or closest(singular(word), OBJECT_WORDS) is not None


def _has_marker(words: Iterable[str]) -> bool:
    """'make the case high' changes a case; only a new thing is introduced by 'a' or by nothing."""
    return any(word in ("the", "this", "that", "it", "its", "his", "her") for word in [*words][:1])
