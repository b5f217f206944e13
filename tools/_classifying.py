"""What a case is about, worked out from the tenant's known issues, products and earlier cases. Nothing is made up:
every value suggested stands in a record that is named.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crm.connector import Filter, Query, Row
from crm.errors import FieldError, ObjectRightError
from tools._case_facts import MOST, count_by, product_of, rows_of, words_of
from tools._declare import ReadingCrm
from tools._likeness import Corpus

FIELDS = ("IssueId__c", "Type", "Reason", "Priority")
SURE_ENOUGH = 0.5
_NEIGHBOURS = 15
_MOST_SHOWN = 3
_OF_TEXT, _OF_CASES = 0.6, 0.4
"""How much an issue's own words count, and how much the issues of earlier cases that are alike."""
_OF_ISSUE = 2.0
"""How much the cases of the chosen issue count against those that are merely alike."""


@dataclass(frozen=True)
class Candidate:
    """A value for a field. `example` is the record that it stands in: the issue itself, or an earlier case."""

    value: str
    share: float
    example: str
    cases: int


@dataclass(frozen=True)
class Classified:
    """Per field the candidates, best first; their shares add up to at most 1."""

    candidates: Mapping[str, list[Candidate]]
    neighbours: list[tuple[Row, float]]
    product_id: str | None

    def best(self, name: str) -> Candidate | None:
        """The first, if its share is large enough to act on."""
        found = self.candidates.get(name) or []
        return found[0] if found and found[0].share >= SURE_ENOUGH else None


async def classify(crm: ReadingCrm, case: Row) -> Classified:
    """Compare a case with everything of the tenant's that the caller may see."""
    text = words_of(case)
    neighbours = await _neighbours(crm, case, text)
    product = await product_of(crm, case) or await _product_in(crm, text)
    issues = await _rank_issues(crm, text, neighbours, product)
    candidates = {"IssueId__c": issues}
    chosen = issues[0].value if issues and issues[0].share >= SURE_ENOUGH else None
    for name in FIELDS[1:]:
        candidates[name] = await _vote(crm, name, neighbours, chosen, case["Id"])
    return Classified(candidates, neighbours, product)


async def _neighbours(crm: ReadingCrm, case: Row, text: str) -> list[tuple[Row, float]]:
    """Cases that somebody has worked on, most alike first, with their likeness."""
    try:
        found = await crm.search("Case", text, _NEIGHBOURS * 2) if text.strip() else []
    except (ObjectRightError, FieldError):
        return []
    worked = [one for one in found if one.record["Id"] != case["Id"] and one.record.get("Status") != "New"]
    return [(one.record, one.score) for one in worked[:_NEIGHBOURS]]


async def _product_in(crm: ReadingCrm, text: str) -> str | None:
    """The product whose code or name the text has; None if none, or several alike."""
    rows = await rows_of(crm, Query("Product2", ["Name", "ProductCode"], [Filter("IsActive", "eq", True)], limit=MOST))
    lowered = f" {text.lower()} "
    named = [row["Id"] for row in rows if _is_named(lowered, row["ProductCode"]) or _is_named(lowered, row["Name"])]
    return named[0] if len(named) == 1 else None


def _is_named(lowered: str, name: str | None) -> bool:
    if not name or len(name) < 3:
        return False
    place = lowered.find(name.lower())
    return place > 0 and not lowered[place - 1].isalnum() and not lowered[place + len(name)].isalnum()


async def _rank_issues(
    crm: ReadingCrm, text: str, neighbours: Iterable[tuple[Row, float]], product: str | None
) -> list[Candidate]:
    rows = await rows_of(crm, Query("Issue__c", ["Name", "Description__c"], limit=MOST))
    corpus = Corpus({row["Id"]: f"{row['Name']} {row['Name']} {row['Description__c'] or ''}" for row in rows})
    by_text = dict(corpus.rank(f"{text} {await _code_of(crm, product)}"))
    by_cases: dict[str, float] = defaultdict(float)
    counted: dict[str, int] = defaultdict(int)
    for row, likeness in neighbours:
        if row.get("IssueId__c") in corpus.texts:
            by_cases[row["IssueId__c"]] += likeness**2
            counted[row["IssueId__c"]] += 1
    shares = _mix(_sharpen(by_text), by_cases)
    return _ranked({issue: (share, issue, counted[issue]) for issue, share in shares.items()})


async def _code_of(crm: ReadingCrm, product: str | None) -> str:
    if product is None:
        return ""
    rows = await rows_of(crm, Query("Product2", ["ProductCode"], [Filter("Id", "eq", product)], limit=1))
    return str(rows[0]["ProductCode"] or "") if rows else ""


def _sharpen(scores: Mapping[str, float]) -> dict[str, float]:
    """The cube: one text that is clearly more alike is worth more than many that are alike a little."""
    return {key: score**3 for key, score in scores.items()}


def _mix(by_text: Mapping[str, float], by_cases: Mapping[str, float]) -> dict[str, float]:
    parts = [(weight, one, sum(one.values())) for weight, one in ((_OF_TEXT, by_text), (_OF_CASES, by_cases)) if one]
    whole = sum(weight for weight, _, _ in parts)
    shares: dict[str, float] = defaultdict(float)
    for weight, one, total in parts:
        for key, score in one.items():
            shares[key] += weight / whole * score / total
    return dict(shares)


async def _vote(
    crm: ReadingCrm, name: str, neighbours: Iterable[tuple[Row, float]], issue: str | None, own: str
) -> list[Candidate]:
    """Earlier cases that are alike vote by their likeness; those of the same issue vote together, by their shares."""
    weights: dict[str, float] = defaultdict(float)
    counted: dict[str, int] = defaultdict(int)
    examples: dict[str, str] = {}
    for row, likeness in neighbours:
        if row.get(name):
            weights[row[name]] += likeness**2
            counted[row[name]] += 1
            examples.setdefault(row[name], row["Id"])
    whole = sum(weights.values()) or 1.0
    shares = {value: weight / whole for value, weight in weights.items()}
    if issue is not None:
        shares = await _with_issue(crm, name, issue, own, shares, counted, examples)
    return _ranked({value: (share, examples[value], counted[value]) for value, share in shares.items()})


async def _with_issue(
    crm: ReadingCrm,
    name: str,
    issue: str,
    own: str,
    shares: Mapping[str, float],
    counted: dict[str, int],
    examples: dict[str, str],
) -> dict[str, float]:
    same = [Filter("IssueId__c", "eq", issue), Filter("Id", "ne", own), Filter("Status", "ne", "New")]
    try:
        of_issue = await count_by(crm, name, same)
    except (ObjectRightError, FieldError):
        return dict(shares)
    total = sum(of_issue.values())
    if not total:
        return dict(shares)
    for value, count in of_issue.items():
        counted[value] += count
        if value not in examples:
            page = await rows_of(crm, Query("Case", [name], [*same, Filter(name, "eq", value)], limit=1))
            examples[value] = page[0]["Id"] if page else issue
    own_share = _OF_ISSUE / (_OF_ISSUE + 1) if shares else 1.0
    return {
        value: own_share * of_issue.get(value, 0) / total + (1 - own_share) * shares.get(value, 0.0)
        for value in {*of_issue, *shares}
    }


def _ranked(found: Mapping[str, tuple[float, str, int]]) -> list[Candidate]:
    ordered = sorted(found.items(), key=lambda one: (-one[1][0], one[0]))
    return [
        Candidate(value, round(share, 3), example, cases) for value, (share, example, cases) in ordered[:_MOST_SHOWN]
    ]
