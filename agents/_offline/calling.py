"""Runs a request for any tool: looks its records up, asks for what is missing, calls it, and says what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agents._offline import compose, results
from agents._offline.memory import Known, Memory
from agents._offline.prompt import Briefing
from agents._offline.request import Reference, Request
from agents._offline.resolve import AskError, Steps
from agents._offline.schemas import Argument, Spec, Takes
from agents._offline.toolbox import Args, Call

Resolve = Callable[[Reference, Sequence[str]], Steps[Known]]
_MOST_OFFERED = 12


@dataclass
class Caller:
    spec: Spec
    briefing: Briefing
    memory: Memory
    resolve: Resolve

    def run(self, request: Request) -> Steps[str]:
        """The answer to the request. Raises: AskError for the first thing missing that a person may be asked for."""
        values: Args = dict(request.values)
        yield from self._look_up(request, values)
        self._take_from_thread(values)
        self._require(values)
        outcome = (yield [Call(self.spec.name, values)])[0]
        said = results.say_outcome(self.spec, outcome, self.memory)
        return said + compose.say_ignored(request)

    # Records

    def _look_up(self, request: Request, values: Args) -> Steps[None]:
        for name, references in request.references.items():
            argument = self.spec.argument(name)
            if argument is None:
                continue
            for reference in references:
                record = yield from self.resolve(reference, argument.objects)
                self._put(argument, record, values)
        for reference in request.spare:
            takers = [one for one in self.spec.taking(Takes.RECORD) if one.is_list or one.name not in values]
            if not takers:
                return
            kinds = tuple(dict.fromkeys(kind for one in takers for kind in one.objects))
            wanted = kinds if all(one.objects for one in takers) else ()
            record = yield from self.resolve(_within(reference, wanted), wanted)
            fitting = [one for one in takers if not one.objects or record.object in one.objects]
            self._put(min(fitting or takers, key=lambda one: not one.is_required), record, values)

    def _put(self, argument: Argument, record: Known, values: Args) -> None:
        if argument.is_list:
            listed = values.get(argument.name)
            values[argument.name] = [*(listed if isinstance(listed, list) else []), record.record_id]
        else:
            values.setdefault(argument.name, record.record_id)
        for kind in self.spec.taking(Takes.OBJECT):
            if not kind.is_list:
                values.setdefault(kind.name, record.object)

    def _take_from_thread(self, values: Args) -> None:
        """A record that is needed and was not said is the one spoken of last."""
        for argument in self.spec.taking(Takes.RECORD):
            if argument.is_required and argument.name not in values:
                known = self.memory.find(Reference(pronoun="it", objects=argument.objects))
                if known is not None and (not argument.objects or known.object in argument.objects):
                    self.memory.focus(known)
                    self._put(argument, known, values)

    # What is missing

    def _require(self, values: Args) -> None:
        for argument in self.spec.arguments:
            if argument.is_required and argument.name not in values and argument.may_be_asked:
                raise AskError(self._question(argument), slot=f"argument:{argument.name}", key=argument.name)

    def _question(self, argument: Argument) -> str:
        said = argument.first_sentence
        match argument.takes:
            case Takes.RECORD:
                kinds = " or ".join(compose.say_object(kind) for kind in argument.objects[:4]) or argument.label
                return f"Which {kinds} do you mean? Give me a name, a number or an id."
            case Takes.CHOICE:
                offered = ", ".join(value.replace("_", " ") for value in argument.values[:_MOST_OFFERED])
                return f"Which {argument.label} should it be? It can be {offered}."
            case Takes.DAY:
                return f"Which date should the {argument.label} be? ({said}.)"
            case Takes.NUMBER:
                return f"What number should the {argument.label} be? ({said}.)"
            case Takes.FLAG:
                return f"Yes or no: {said[:1].lower()}{said[1:]}?"
            case Takes.OBJECT:
                return "Which kind of record do you mean?"
            case _:
                return f"What should the {argument.label} be? ({said}.)"


def _within(reference: Reference, kinds: Sequence[str]) -> Reference:
    """The reference without a kind that nothing takes: 'the Acme account' where only its deals are taken."""
    if kinds and reference.objects and not set(kinds) & set(reference.objects) and not reference.record_id:
        return Reference(
            text=reference.text, pronoun=reference.pronoun, ordinal=reference.ordinal, scope=reference.scope
        )
    return reference
