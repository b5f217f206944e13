"""Made-up conversations, for tests of what is found wrong with them."""

from typing import Any

from evals.quality.cases import Case
from evals.quality.score import Score, Scorer
from evals.quality.transcript import Called, Exchange, Held, Transcript

ACME, HIDDEN = "001CS0000000001YAA", "001CS0000000002YAA"
RECORDS: dict[tuple[str, str, str], dict[str, Any]] = {
    ("Account", "northwind", ACME): {"Id": ACME, "Name": "Acme Industries", "IsDeleted": 0},
    ("Account", "northwind", HIDDEN): {"Id": HIDDEN, "Name": "Harbor Tools", "IsDeleted": 0},
    ("Product2", "northwind", "01tCS0000000001YAA"): {"Name": "Pressure Transmitter PT-200", "ProductCode": "PT-200"},
}


class NoReader:
    """For cases that name no record and ask no query."""

    def resolve(self, value: Any) -> Any:
        return value


def case(**given: Any) -> Case:
    said = {} if given.keys() & {"turns", "user"} else {"say": "show Acme Industries"}
    return Case.model_validate({"id": "one", "caller": {"employee": "dana"}, **said, **given})


def called(tool: str = "get_record", *, result: Any = None, error: str = "", **arguments: Any) -> Called:
    return Called(tool, arguments, not error, None if error else result, error, "it did not work" if error else "")


def held(tool: str, *, expected: bool = True, decision: str = "approve", **new: Any) -> Held:
    fields = [{"field": name, "old": None, "new": value} for name, value in new.items()]
    change = {"object": "Account", "id": ACME, "operation": "update", "fields": fields}
    status = "applied" if decision == "approve" else "rejected"
    return Held(tool, (change,), decision, "mara", status, expected)


def exchange(answer: str = "Done.", *calls: Called, said: str = "show Acme Industries", **more: Any) -> Exchange:
    given: dict[str, Any] = {"route": "sales", "held": (), **more}
    return Exchange(said=said, calls=calls, spoken=(answer,) if answer else (), **given)


def judge(one: Case, *exchanges: Exchange, after: Any = None, reader: Any = None) -> Score:
    transcript = Transcript(
        exchanges, RECORDS, RECORDS if after is None else after, "northwind", "dana@northwind.example"
    )
    return Scorer(one, transcript, reader or NoReader()).run()


def faults(score: Score) -> list[str]:
    return sorted({one.fault.value for one in score.findings})
