"""Words that name nobody and nothing in particular, so that a title is not taken for an invented company."""

import re
from functools import cache

from crm.schema import OBJECT_INFO

_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_COMMON = """
a about above account accounts action actions active activities activity additional after again agent agents ago agreed
all along already also alternatively although always amount amounts an analysis analytics and another any approval
approvals approve approved approximately are article articles as ask assigned at attention available average
background based basic be because been before below best between billing both breakdown brief but buyer by call called
calls campaign campaigns can case cases ceo cfo change changed changes chief clear close closed closing coming comment
comments commit common company complete completed confirm confirmed consider contact contacted contacts contract
contracts could count coverage create created crm cto current currently customer customers daily data date dates day
days deal deals dear decision description detail details did discount discovery do does done draft due during each early
either email emails end english escalated every everything executive expected fallback feel few field fields final
finally find first focus follow for forecast forward found free from full further general get give given go good got
had has have he health hello help her here hi high him his history hot how however i id identified if important in inc
include includes including industry information initial input instead internal is issue issues it item items its just
key know known last late later latest lead leads let level like line list listed little look low made main make manager
many marketing matching may me meanwhile medium meeting meetings message messages more most move much my name names need
needed needs negotiation new newest next no none normal not note notes nothing notice now number numbers of office
officer ok on once one only open opened operations opportunities opportunity option options or order orders other
otherwise our out outcome outstanding over overall overview owned owner owners part partner pending people per percent
performance phone pipeline please point points possible potential pricing primary priority probability problem process
product products progress proposal proposed qualification quantity quarter quarterly question questions quick quote
quotes rate reason recent recently recommendation recommendations recommended record records regarding regards related
remaining reminder renewal rep report reported request requested requests resolution resolved response result results
revenue review reviewed risk risks role sales same say see send sent service set several she should show showing shown
shows similar since so some soon source stage stages standard start started status step steps still subject such
suggested suggestion suggestions summary support sure table take task tasks team terms than thank thanks that the their
them then there therefore these they this those though through ticket tickets timeline title to today together tomorrow
too top total totals two type types unknown until up upcoming update updated updates upon urgent us use used user users
value values very via view want was we week weekly well were what when where whether which while who whole why will
with within without won would yes yesterday yet you your
monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september
october november december jan feb mar apr jun jul aug sep oct nov dec spring summer autumn winter
mr mrs ms dr eur usd gbp chf euro euros dollar dollars pounds vip sla faq api url pdf csv kpi roi q1 q2 q3 q4
"""
_ENGLISH = frozenset("the of and is are to in for with on has have was by from this that it no not".split())


@cache
def common_words() -> frozenset[str]:
    """In lower case: everyday words, and those that kinds of record, their fields and allowed values consist of."""
    words = set(_COMMON.split())
    for name, info in OBJECT_INFO.items():
        texts = [name, info.description]
        for field, spec in info.fields.items():
            texts += [field, spec.description, *spec.values]
        for text in texts:
            words.update(word.casefold() for part in re.findall(r"\w+", text) for word in (part, *_CAMEL.findall(part)))
    return frozenset(words)


def is_common(word: str) -> bool:
    known = common_words()
    return word in known or word.removesuffix("s") in known or f"{word}s" in known


def is_english(text: str) -> bool:
    """Whether it reads as English at all; in other languages every noun may be capitalised."""
    return not _ENGLISH.isdisjoint(re.findall(r"[a-z]+", text.lower()))
