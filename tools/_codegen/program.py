"""The kinds of program that are written: a validation rule, a trigger-like handler, an integration."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from crm.connector import Json, Row
from crm.fields import FieldSpec
from crm.value_conditions import Matching, ValueCondition, are_met
from tools._codegen.conditions import cases_of, helpers_for, test_name, write_conditions
from tools._codegen.samples import plain_value


@dataclass(frozen=True)
class Program:
    """Python source that is complete in itself, and tests that import it as `generated`."""

    code: str
    tests: str


@dataclass(frozen=True)
class Asked:
    """What somebody wants written, checked against the schema that they may see."""

    object_name: str
    specs: dict[str, FieldSpec]
    conditions: Sequence[ValueCondition] = ()
    matching: Matching = "all"
    message: str = ""
    events: tuple[str, ...] = ("create", "update")
    set_fields: Row = field(default_factory=dict)
    sent_fields: tuple[str, ...] = ()
    url: str = ""


def write_validation_rule(asked: Asked) -> Program:
    """`validate(record)` gives the messages that keep a record from being saved; none where nothing is wrong.

    Raises: NoSuchRecordError where the conditions exclude each other.
    """
    body = (
        f"{write_conditions(asked.conditions, asked.matching)}\n\n"
        "def validate(record):\n"
        '    """Messages that keep the record from being saved; an empty list if it may be."""\n'
        "    return [MESSAGE] if applies(record) else []\n"
    )
    code = (
        f'"""Validation rule for {asked.object_name}."""\n\n'
        f"OBJECT = {asked.object_name!r}\nMESSAGE = {asked.message!r}\n\n\n{helpers_for(body)}{body}"
    )
    tests = ["from generated import MESSAGE, validate\n"]
    for place, case in enumerate(cases_of(asked.conditions, asked.matching, asked.specs), 1):
        outcome, wanted = ("is_refused", "[MESSAGE]") if case.is_met else ("passes", "[]")
        name = test_name(place, case, outcome)
        tests.append(f"def {name}():\n    record = {case.row!r}\n    assert validate(record) == {wanted}\n")
    return Program(code, "\n\n".join(tests))


def write_trigger(asked: Asked) -> Program:
    """`handle(event, record)` gives the fields to change, with their new values.

    Raises: NoSuchRecordError where the conditions exclude each other.
    """
    body = (
        f"{write_conditions(asked.conditions, asked.matching)}\n\n"
        "def handle(event, record):\n"
        '    """Fields to change and their new values; empty if nothing is to be done. Leaves the record alone."""\n'
        "    if event not in EVENTS or not applies(record):\n"
        "        return {}\n"
        "    return {field: value for field, value in VALUES.items() if record.get(field) != value}\n"
    )
    code = (
        f'"""Handler that runs when records of {asked.object_name} are saved."""\n\n'
        f"OBJECT = {asked.object_name!r}\nEVENTS = {asked.events!r}\nVALUES = {asked.set_fields!r}\n\n\n"
        f"{helpers_for(body)}{body}"
    )
    return Program(code, "\n\n".join(_trigger_tests(asked)))


def _trigger_tests(asked: Asked) -> list[str]:
    tests = ["from generated import EVENTS, handle\n"]
    for place, case in enumerate(cases_of(asked.conditions, asked.matching, asked.specs), 1):
        due = {name: value for name, value in asked.set_fields.items() if case.row.get(name) != value}
        wanted: Row = due if case.is_met else {}
        tests.append(
            f"def {test_name(place, case, 'is_handled' if case.is_met else 'is_left_alone')}():\n"
            f"    record = {case.row!r}\n    before = dict(record)\n"
            f"    assert all(handle(event, record) == {wanted!r} for event in EVENTS)\n    assert record == before\n"
        )
    row = next(case.row for case in cases_of(asked.conditions, asked.matching, asked.specs) if case.is_met)
    after = {**row, **asked.set_fields}
    still = are_met(asked.conditions, asked.matching, after) or not asked.conditions
    reason = "has the values already" if still else "does not meet the conditions any more"
    tests.append(
        f"def test_a_handled_record_is_not_handled_again():\n"
        f"    record = {after!r}  # {reason}\n    assert all(handle(event, record) == {{}} for event in EVENTS)\n"
    )
    tests.append(f"def test_other_events_are_left_alone():\n    assert handle('delete', {row!r}) == {{}}\n")
    return tests


_INTEGRATION = '''

def build_request(record, secret, event="update"):
    """The request for one record, signed with the shared secret.

    The same state of a record gives the same key, so that the other side can tell a repeat.
    """
    body = json.dumps(
        {"object": OBJECT, "event": event, "id": record["Id"], "fields": {name: record.get(name) for name in FIELDS}},
        sort_keys=True,
    )
    digest = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-Signature": f"sha256={digest}",
        "Idempotency-Key": hashlib.sha256(body.encode()).hexdigest(),
    }
    return {"method": "POST", "url": URL, "headers": headers, "body": body}


def deliver(record, secret, send, wait, event="update"):
    """Send one record; True once it was taken. What is not asked for is not sent: None.

    `send(request)` gives an HTTP status, `wait(seconds)` pauses: whoever calls this brings both.
    """
    if event not in EVENTS or not applies(record):
        return None
    request = build_request(record, secret, event)
    for attempt in range(ATTEMPTS):
        status = send(request)
        if 200 <= status < 300:
            return True
        if status != 429 and status < 500:
            return False
        if attempt + 1 < ATTEMPTS:
            wait(2**attempt)
    return False
'''

_INTEGRATION_TESTS = '''import hashlib
import hmac
import json

from generated import ATTEMPTS, EVENTS, FIELDS, URL, build_request, deliver

RECORD = {record!r}
SECRET = "a secret of the tests"


def replay(*statuses):
    """Something that answers with these statuses in turn, and remembers what it was sent."""
    waiting, sent = list(statuses), []

    def send(request):
        sent.append(request)
        return waiting.pop(0)

    return send, sent


def test_the_request_carries_the_chosen_fields_and_no_others():
    request = build_request({{**RECORD, "NotAsked": "x"}}, SECRET)
    body = json.loads(request["body"])
    assert (request["method"], request["url"], body["id"]) == ("POST", URL, RECORD["Id"])
    assert list(body["fields"]) == sorted(FIELDS)
    assert body["fields"] == {{name: RECORD[name] for name in FIELDS}}


def test_the_signature_is_the_bodys():
    request = build_request(RECORD, SECRET)
    digest = hmac.new(SECRET.encode(), request["body"].encode(), hashlib.sha256).hexdigest()
    assert request["headers"]["X-Signature"] == "sha256=" + digest
    assert build_request(RECORD, "another")["headers"]["X-Signature"] != "sha256=" + digest


def test_a_repeat_has_the_same_key_and_a_change_another():
    key = build_request(RECORD, SECRET)["headers"]["Idempotency-Key"]
    assert build_request(dict(RECORD), SECRET)["headers"]["Idempotency-Key"] == key
    assert build_request({{**RECORD, FIELDS[0]: "changed"}}, SECRET)["headers"]["Idempotency-Key"] != key


def test_what_is_busy_or_broken_is_asked_again():
    pauses = []
    send, sent = replay(503, 429, 200)
    assert deliver(RECORD, SECRET, send, pauses.append, EVENTS[0]) is True
    assert (len(sent), pauses) == (3, [1, 2])


def test_it_gives_up_in_the_end():
    pauses = []
    send, sent = replay(*[500] * ATTEMPTS)
    assert deliver(RECORD, SECRET, send, pauses.append, EVENTS[0]) is False
    assert (len(sent), len(pauses)) == (ATTEMPTS, ATTEMPTS - 1)


def test_a_refusal_is_not_repeated():
    send, sent = replay(400)
    assert deliver(RECORD, SECRET, send, print, EVENTS[0]) is False
    assert len(sent) == 1


def test_other_events_send_nothing():
    send, sent = replay()
    assert deliver(RECORD, SECRET, send, print, "delete") is None
    assert sent == []
'''


def write_integration(asked: Asked) -> Program:
    """`deliver(record, ...)` sends chosen fields to another system, signed, and again where that may help.

    Raises: NoSuchRecordError where the conditions exclude each other.
    """
    body = write_conditions(asked.conditions, asked.matching) + _INTEGRATION
    code = (
        f'"""Sends records of {asked.object_name} to another system when they are saved."""\n\n'
        "import hashlib\nimport hmac\nimport json\n\n"
        f"OBJECT = {asked.object_name!r}\nFIELDS = {asked.sent_fields!r}\nEVENTS = {asked.events!r}\n"
        f"URL = {asked.url!r}\nATTEMPTS = 4\n\n\n{helpers_for(body)}{body}"
    )
    cases = cases_of(asked.conditions, asked.matching, asked.specs)
    met = next(case.row for case in cases if case.is_met)
    record: dict[str, Json] = {"Id": "000000000000001AAA"}
    record |= {name: plain_value(asked.specs[name]) for name in asked.sent_fields if name != "Id"} | met
    tests = [_INTEGRATION_TESTS.format(record=record)]
    tests += [
        f"def {test_name(place, case, 'is_not_sent')}():\n    send, sent = replay()\n"
        f"    record = {{'Id': RECORD['Id'], **{case.row!r}}}\n"
        "    assert deliver(record, SECRET, send, print, EVENTS[0]) is None\n    assert sent == []\n"
        for place, case in enumerate(cases, 1)
        if not case.is_met
    ]
    return Program(code, "\n\n".join(tests))
