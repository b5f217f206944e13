"""Ids and products that do not exist, in what a model asks tools for and in what it says."""

import re
from collections.abc import Iterator, Sequence

from crm.ids import normalise_id
from evals.quality.org import product_codes
from evals.quality.transcript import Exchange, Transcript, strings_in

_ID = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z0-9]*\d)[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?(?![A-Za-z0-9])")


def find_inventions(exchange: Exchange, transcript: Transcript, said: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each call and each answer with what in it does not exist. What the user named first was not invented."""
    ids = {record_id for _, tenant, record_id in transcript.after if tenant == transcript.tenant}
    codes = product_codes(transcript.after, transcript.tenant)
    shape = _shape_of(codes)
    users = "\n".join(said).casefold()
    results = "\n".join(text for one in transcript.exchanges for call in one.calls for text in strings_in(call.result))
    for call in exchange.calls:
        texts = list(strings_in(dict(call.arguments)))
        yield call.tool, [one for text in texts for one in _strange(text, ids, codes, shape, users, "")]
    if exchange.spoken:
        spoken = "\n".join(exchange.spoken)
        yield "answer", list(_strange(spoken, ids, codes, shape, users, results))


def _strange(
    text: str, ids: set[str], codes: frozenset[str], shape: re.Pattern[str] | None, users: str, results: str
) -> Iterator[str]:
    for one in _ID.findall(text):
        normal = normalise_id(one)
        if normal and normal not in ids and one.casefold() not in users and one not in results:
            yield one
    for one in shape.findall(text) if shape else ():
        if one not in codes and one.casefold() not in users and one not in results:
            yield one


def _shape_of(codes: frozenset[str]) -> re.Pattern[str] | None:
    """Words that begin like a product code of the tenant and are made like one."""
    stems = sorted({code.partition("-")[0] for code in codes if "-" in code})
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, stems))})-[A-Z0-9]+\b") if stems else None
