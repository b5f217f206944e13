"""The case it exists for: a tenant's rule that was meant to restrict never applies, or gives something away."""

import pytest

from trust.additions import MAX_RULES, read_additions
from trust.cedar_rules import PolicyTextError

GOOD = """
// Contracts are signed on paper.
@id("no-contracts")
@reason("contracts are made elsewhere")
@remedy("nothing")
forbid (principal, action == Action::"perform", resource)
when { context.objects.contains(Object::"Contract") };

@id("amounts-twice")
@reason("large amounts are looked at twice; by two people")
@permission("approve_writes")
@second_person
@votes("2")
forbid (principal, action == Action::"performUnattended", resource == Tool::"update_record")
when { context.fields.contains(Field::"Opportunity.Amount") && context.largestAmount > 50000 };
"""


def rule(condition: str = "true", annotations: str = '@id("x") @reason("r")', scope: str = "perform") -> str:
    return f'{annotations}\nforbid (principal, action == Action::"{scope}", resource)\nwhen {{ {condition} }};\n'


def test_good_rules_are_taken_with_their_lines() -> None:
    first, second = read_additions(GOOD, {"Tool": {"update_record"}})
    assert (first.rule_id, first.line, first.covers) == ("no-contracts", 3, {"perform"})
    assert (second.rule_id, second.line, second.votes, second.second_person) == ("amounts-twice", 9, 2, True)
    assert read_additions("") == read_additions("// nothing yet\n") == []


MANY = "".join(rule(annotations=f'@id("x{n}") @reason("r")') for n in range(MAX_RULES + 1))
TURNED = '@id("x") @reason("a\\u{202e}b")'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        pytest.param(GOOD + "permit (principal, action, resource);", 16, "only restrict", id="a permit"),
        pytest.param(rule() + "\n\nfor bid", 6, "expected a rule such as", id="no Cedar"),
        pytest.param(rule(scope="preform"), 2, 'Action::"performUnattended"', id="an unknown question"),
        pytest.param(rule("context.isTainted ||\n context.isTanted"), 4, "such as isTainted", id="a misspelt fact"),
        pytest.param(rule('context.effect == Effect::"wrte"'), 3, "read, draft, write, send", id="a misspelt value"),
        pytest.param(rule("context.records > true"), 1, "expected Long but saw", id="an impossible comparison"),
        pytest.param(rule('context.objects.contains(Object::"Contrct")'), 1, "there is no Object", id="no such object"),
        pytest.param(rule('context.fields.contains(Field::"Case.X")'), 1, "there is no Field", id="no such field"),
        pytest.param(rule('resource == Tool::"nope"'), 1, "the name of a tool", id="no such tool"),
        pytest.param(rule('context.agent == Agent::"x"'), 1, "the name of an agent", id="no such agent"),
        pytest.param(rule() + rule(), 4, "another rule with the id", id="an id twice"),
        pytest.param(rule(annotations='@reason("r")'), 1, "expected an @id", id="no id"),
        pytest.param(rule(annotations='@id("tenant/x") @reason("r")'), 1, "expected an @id", id="an id with a path"),
        pytest.param(rule(annotations='@id("x")'), 1, "expected a @reason", id="no reason"),
        pytest.param(rule(annotations='@id("x") @reason("a\\nb")'), 1, "one line", id="a reason of two lines"),
        pytest.param(rule(annotations=TURNED), 1, "one line", id="a reason that turns round"),
        pytest.param(rule(annotations='@id("x") @reason("r") @second'), 1, "no annotation @second", id="an annotation"),
        pytest.param(
            rule(annotations='@id("x") @reason("r") @votes("2")'), 1, "a denial has no approver", id="votes on a denial"
        ),
        pytest.param(
            rule(annotations='@id("x") @reason("r") @votes("0")', scope="performUnattended"), 1, "from 1 to", id="votes"
        ),
        pytest.param(
            rule(annotations='@id("x") @reason("r") @permission("a;b")', scope="performUnattended"),
            1,
            "names of permissions",
            id="a permission",
        ),
        pytest.param('forbid (principal == ?principal, action, resource);', 1, "no open slots", id="a template"),
        pytest.param(MANY, 151, "at most 50 rules", id="many"),
        pytest.param("// " + "x" * 20_000, 1, "at most 20,000 characters", id="long"),
        pytest.param(rule("!" * 200 + "true"), 1, "", id="deep"),
    ],
)  # fmt: skip
def test_a_bad_text_is_refused_with_its_line_and_what_was_expected(text: str, line: int, words: str) -> None:
    with pytest.raises(PolicyTextError) as caught:
        read_additions(text, {"Tool": {"update_record"}, "Agent": {"sales"}})
    assert caught.value.line == line, caught.value
    assert words in caught.value.message


def test_signs_inside_strings_and_comments_end_no_rule() -> None:
    text = (
        rule('context.recipientDomains.contains("a;b//c\\"d.example")')
        + "// ; a remark\n"
        + rule(annotations='@id("y") @reason("r; s // t")')
    )
    assert [(one.rule_id, one.line) for one in read_additions(text)] == [("x", 1), ("y", 5)]
