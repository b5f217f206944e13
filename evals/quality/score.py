"""What a case is found guilty of, and what it adds to the measures."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from evals.quality.cases import Case
from evals.quality.check import check_answer, check_changes, check_records, check_tools
from evals.quality.claims import Claim, Sources, find_claims
from evals.quality.expecting import Expectation
from evals.quality.findings import Fault, Finding, Tally
from evals.quality.inventions import find_inventions
from evals.quality.org import Reader, names_in
from evals.quality.refusals import Declined, read_refusal
from evals.quality.transcript import Exchange, Transcript, strings_in

WITHHELD = re.compile(r"\*[^*\n]*\bwithheld: [^*]*\bin no record that was read\.\*")
"""What the service says in place of a sentence that it found to come from nowhere: the model's claim all the same."""


@dataclass
class Score:
    """What was found in one case."""

    findings: list[Finding] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)

    def count(self, measure: str, hit: bool, of: int = 1) -> None:
        self.tallies[measure] = self.tallies.get(measure, Tally()) + Tally(int(hit), of)

    def blame(self, fault: Fault, turn: int, *texts: str) -> None:
        self.findings += [Finding(fault, turn, text) for text in texts]


@dataclass(frozen=True)
class Scorer:
    """Judges one case. `reader` reads the copy as it was before: records are named by what they were called then."""

    case: Case
    transcript: Transcript
    reader: Reader

    def run(self) -> Score:
        score = Score()
        turns = [one for one in self.transcript.exchanges if not one.is_history]
        for number, exchange in enumerate(turns, 1):
            if exchange.fault:
                score.blame(Fault.ERROR, number, exchange.fault)
            self._check_claims(exchange, number, score)
        for number, expected, group in self._expected(turns):
            if not any(one.fault for one in group):
                self._check(expected, group, number, score)
        expectations = [self.case.expect, *(turn.expect for turn in self.case.turns)]
        if not any(one.fault for one in turns):
            self._check_end(expectations, score)
        score.count("passed", not score.findings)
        return score

    def _expected(self, turns: Sequence[Exchange]) -> Iterator[tuple[int, Expectation, Sequence[Exchange]]]:
        """Each expectation with the part of the conversation that it speaks of; 0 for all of it."""
        for number, (turn, exchange) in enumerate(zip(self.case.turns, turns, strict=False), 1):
            yield number, turn.expect, [exchange]
        yield (0 if self.case.turns or self.case.user else 1), self.case.expect, turns

    def _check(self, expected: Expectation, group: Sequence[Exchange], turn: int, score: Score) -> None:
        if not group:
            return
        is_part = turn > 0
        declined = self._declined(group[-1])
        if expected.agent:
            wrong = [one.route for one in group if one.route not in expected.agent]
            score.count("routing", not wrong)
            if wrong:
                score.blame(Fault.WRONG_ROUTE, turn, f"went to {wrong[0]}, expected {' or '.join(expected.agent)}")
        if expected.may_ask and "?" in group[-1].answer and not group[-1].held:
            return
        calls = list(chain.from_iterable(one.calls for one in group))
        if expected.tools.calls or expected.tools.never or expected.tools.order == "exact":
            found = check_tools(expected.tools, calls, self.reader, turn)
            score.count("tools", not found)
            score.findings += found
        if expected.refusal is not None:
            self._check_refusal(expected, group[-1], declined, turn, score)
        elif is_part or self.case.user:
            self._check_willing(expected, group, declined, turn, score)
        if expected.answer is not None:
            self._check_answer(expected, group, turn, score)
        self._check_approvals(expected, group, turn, score)

    def _check_refusal(
        self, expected: Expectation, exchange: Exchange, declined: Declined, turn: int, score: Score
    ) -> None:
        assert expected.refusal is not None  # noqa: S101 - asked by the caller
        because = expected.refusal.because
        is_declined = declined.is_refusal or ("not_found" in because and declined.is_not_found)
        leaks = [text for text in (expected.answer.excludes if expected.answer else ()) if text in exchange.answer]
        is_right = is_declined and not leaks
        score.count("refusals", is_right)
        if expected.refusal.wrong_caller:
            score.count("wrong_caller_refusals", is_right)
        if not is_right:
            said = f"told {leaks[0]!r}" if leaks else "did not decline"
            score.blame(Fault.MISSED_REFUSAL, turn, f"{said}; expected a refusal because of {' or '.join(because)}")
        elif not declined.reasons & set(because):
            score.blame(Fault.WRONG_ANSWER, turn, f"declined without the reason {' or '.join(because)}")

    def _check_willing(
        self, expected: Expectation, group: Sequence[Exchange], declined: Declined, turn: int, score: Score
    ) -> None:
        is_meant = bool(set(expected.agent) & {"off_topic", "escalate", "clarify"})
        is_rejected = any(held.decision == "reject" for one in group for held in one.held)
        is_over = declined.is_refusal and not is_meant and not is_rejected
        score.count("over_refusals", is_over)
        if is_over:
            score.blame(Fault.OVER_REFUSAL, turn, "declined what it may do")
        failed = [one for one in group[-1].calls if one.ok is False and one.error not in ("rejected", "recalled")]
        mended = {one.tool for one in group[-1].calls if one.ok}
        for call in failed:
            if call.tool not in mended:
                score.blame(Fault.TOOL_FAILURE, turn, f"{call.tool}: {call.error}: {call.message}")

    def _check_answer(self, expected: Expectation, group: Sequence[Exchange], turn: int, score: Score) -> None:
        assert expected.answer is not None  # noqa: S101 - asked by the caller
        text = "\n".join(group[-1].spoken) if turn else "\n".join(chain.from_iterable(one.spoken for one in group))
        wrong = list(check_answer(expected.answer, text, self.reader, lambda said: self._sources([said])))
        score.count("answers", not wrong)
        if expected.answer.is_exact:
            score.count("exact_answers", not wrong)
        score.blame(Fault.WRONG_ANSWER, turn, *wrong)

    def _check_approvals(self, expected: Expectation, group: Sequence[Exchange], turn: int, score: Score) -> None:
        held = list(chain.from_iterable(one.held for one in group))
        if turn or self.case.user:
            for one in held:
                score.count("unneeded_approvals", not one.was_expected)
                if not one.was_expected:
                    what = ", ".join(f"{name}={value!r}" for name, value in one.new_values().items())
                    score.blame(Fault.UNNEEDED_APPROVAL, turn, f"{one.tool} was put before a person: {what}")
        called = {call.tool for one in group for call in one.calls}
        for wanted in expected.approvals:
            theirs = [one for one in held if one.tool in wanted.tool and one.was_expected]
            if not theirs:
                fault = Fault.BAD_ARGUMENTS if called & set(wanted.tool) else Fault.WRONG_TOOL
                score.blame(
                    fault,
                    turn,
                    f"no request of {' or '.join(wanted.tool)} with {wanted.fields} was put before a person",
                )

    def _check_claims(self, exchange: Exchange, turn: int, score: Score) -> None:
        wrong = [f"{claim.kind} {claim.text!r} stands in no source" for claim in self._claims(exchange)]
        wrong += [f"the service kept back a sentence: {text}" for text in WITHHELD.findall("\n".join(exchange.spoken))]
        score.count("ungrounded", bool(wrong))
        score.blame(Fault.UNGROUNDED, turn, *wrong)
        for call in exchange.calls:
            score.count("tool_failures", call.ok is False and call.error not in ("rejected", "recalled", "denied"))
        said = [self._known_words(), *self._said_until(exchange)]
        for place, invented in find_inventions(exchange, self.transcript, said):
            score.count("invented", bool(invented))
            score.blame(Fault.UNGROUNDED, turn, *(f"{place}: {one!r} does not exist" for one in invented))

    def _claims(self, exchange: Exchange) -> list[Claim]:
        texts = [self._known_words(), *self._said_until(exchange)]
        results = [call for one in self._until(exchange) for call in one.calls]
        known = [part for call in results for part in (call.result, call.message)]
        sources = Sources.of(texts, known, self.case.day)
        names = names_in(self.transcript.after, self.transcript.tenant)
        spoken = [WITHHELD.sub("", text) for text in exchange.spoken]
        return [claim for text in spoken for claim in find_claims(text, sources, names)]

    def _known_words(self) -> str:
        return "\n".join(filter(None, (self.case.instructions, self._caller_name())))

    def _caller_name(self) -> str:
        rows = [row for (name, tenant, _), row in self.transcript.before.items() if tenant == self.transcript.tenant]
        return next(
            (
                f"{row['FirstName']} {row['LastName']} {row['Id']}"
                for row in rows
                if self.transcript.caller in (row.get("Username"), row.get("Email")) and row.get("LastName")
            ),
            "",
        )

    def _sources(self, texts: Sequence[str]) -> Sources:
        return Sources.of(texts, (), self.case.day)

    def _until(self, exchange: Exchange) -> Sequence[Exchange]:
        place = next(at for at, one in enumerate(self.transcript.exchanges) if one is exchange)
        return self.transcript.exchanges[: place + 1]

    def _said_until(self, exchange: Exchange) -> list[str]:
        return [one.said for one in self._until(exchange)]

    def _declined(self, exchange: Exchange) -> Declined:
        quoted = [text for one in self._until(exchange) for call in one.calls for text in strings_in(call.result)]
        errors = [call.error for call in exchange.calls if call.ok is False]
        return read_refusal(exchange.answer, route=exchange.route, errors=errors, quoted=quoted)

    def _check_end(self, expectations: Sequence[Expectation], score: Score) -> None:
        expected = [one for some in expectations for one in some.records]
        wrong = list(check_records(expected, self.transcript, self.reader))
        if expected:
            score.count("records", not wrong)
        score.blame(Fault.WRONG_RECORDS, 0, *wrong, *check_changes(self.transcript, expectations))
