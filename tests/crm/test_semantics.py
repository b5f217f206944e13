"""Definitions of metrics are checked when they are read, a tenant's own as well."""

import pytest

from crm.semantics.loading import SemanticError, extend, shipped_layer

OWN = """
cases:
  segments:
    vip: {says: from our best customers, where: [{field: account.Type, value: Key Account}]}
  measures:
    phone_share:
      label: Share of calls
      says: how many cases come by phone
      definition: Cases that came by phone among all cases, in per cent.
      function: share
      holds: [{field: Origin, value: Phone}]
      time: opened
      unit: percent
"""


def test_the_shipped_definitions_hold_together_and_cover_the_metrics_of_the_field() -> None:
    names = {name for name, _ in shipped_layer().metrics()}
    assert {
        "handle_time",
        "transfer_count",
        "conversion_rate",
        "sales_cycle",
        "sales_amount",
        "case_count",
        "win_rate",
    } <= names
    for _, measure in shipped_layer().metrics():
        assert measure.definition.endswith(".")


def test_a_tenant_adds_to_what_there_is_and_changes_nothing_of_it() -> None:
    layer = extend(shipped_layer(), OWN)
    assert layer.find("phone_share") is not None
    assert shipped_layer().find("phone_share") is None
    assert layer.datasets["cases"].measures["handle_time"] == shipped_layer().datasets["cases"].measures["handle_time"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cases: {measures: {handle_time: {}}}", "cases.measures.handle_time: is defined already"),
        ("cases: {object: User}", "cases: is there already"),
        ("new: {object: Secret, label: secrets}", "new.object: there is no 'Secret'"),
        ("cases: {dimensions: {x1: {field: Nothing, says: a field}}}", "dimensions.x1: there is no field Nothing"),
        ("cases: {joins: {other: {to: Lead, by: AccountId}}}", "AccountId does not refer to Lead"),
        ("cases: {joins: {far: {to: Account, by: nowhere.AccountId}}}", "does not refer to Account"),
        ("cases: {segments: {vip: {says: best, where: [{field: Status, value: Nonsense}]}}}", "Status: expected one"),
        ("cases: {times: {due: {field: Subject, says: when it is due}}}", "Subject is text; expected date"),
        ("cases: {sql: {x: select}}", "expected some of joins"),
        ("cases: [1, 2", "definitions: expected YAML"),
        ("a: &a [1]\nb: *a", "aliases are not taken"),
        ("- 1", "expected datasets by name"),
        ("x: !!python/object/apply:os.system [ls]", "expected YAML"),
        ("x" * 70_000, "at most 65536 characters"),
        (OWN.replace("percent", "bananas"), "cases.measures.phone_share.unit"),
        (OWN.replace("function: share", "function: avg"), "phone_share"),
        (OWN.replace("time: opened", "time: whenever"), "expected one of opened"),
        (OWN.replace("phone_share", "lead_count"), "another dataset has a measure of this name"),
    ],
)
def test_what_does_not_hold_together_is_named(text: str, told: str) -> None:
    with pytest.raises(SemanticError, match=told.replace("[", r"\[")):
        extend(shipped_layer(), text)
