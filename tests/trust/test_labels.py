"""Joining labels: the lowest integrity, all writers, only the readers of every part."""

from hypothesis import given
from hypothesis import strategies as st

from trust.labels import NOTHING, Integrity, Label, join_all

NAMES = st.frozensets(st.sampled_from(["account:a", "account:b", "contact:c"]))
LABELS = st.builds(Label, st.sampled_from(Integrity), NAMES, NAMES | st.none(), st.sampled_from(["", "user", "model"]))


@given(LABELS, LABELS)
def test_a_join_trusts_no_part_more_and_tells_nobody_new(one: Label, other: Label) -> None:
    joined = one.join(other)
    for part in (one, other):
        assert joined.integrity <= part.integrity
        assert joined.writers >= part.writers
        assert part.readers is None or (joined.readers is not None and joined.readers <= part.readers)


@given(LABELS)
def test_joining_nothing_changes_nothing(label: Label) -> None:
    assert NOTHING.join(label) == label
    assert join_all([label]) == label
    assert join_all([label, label]) == label


@given(LABELS)
def test_a_label_survives_json(label: Label) -> None:
    assert Label.from_json(label.to_json()) == label
