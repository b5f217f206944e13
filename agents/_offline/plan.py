"""From requests to tool calls to an answer, one user turn at a time.

Each kind of request is a generator: it yields the calls it needs and is sent their outcomes. The model keeps no state;
it runs the generators again over the thread and stops at the first call that has no outcome yet.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from agents._offline import compose
from agents._offline.calling import Caller
from agents._offline.changes import Assignment, fit
from agents._offline.deciding import merged, read_answer
from agents._offline.drafts import write_draft
from agents._offline.intents import recognise_verb
from agents._offline.lexicon import CHILDREN, NAME_FIELDS, REFERENCE_TARGETS, SHOWN_FIELDS
from agents._offline.memory import Known, Memory, Pending
from agents._offline.prompt import Briefing, ObjectInfo
from agents._offline.request import Change, Condition, Reference, Request, Verb
from agents._offline.resolve import AskError, GiveUpError, Resolver, Steps, pick
from agents._offline.sends import find_draft
from agents._offline.toolbox import Call, Outcome, Toolbox
from agents._offline.understand import read_clause, understand
from agents._offline.words import clean, say_name, singular, tokenize, with_article

RECENT_DAYS = 30
_READS = frozenset(
    (Verb.SHOW, Verb.LIST, Verb.MEASURE, Verb.SUMMARISE, Verb.TIMELINE, Verb.KNOWLEDGE, Verb.SIMILAR, Verb.TOOL)
)
_CANCELS = frozenset(
    (
        "cancel",
        "never mind",
        "nevermind",
        "forget it",
        "stop",
        "no",
        "none",
        "none of them",
        "neither",
        "leave it",
        "no thanks",
    )
)
_REASKED = {(Verb.CALL, "text"): "log a call", (Verb.TASK, "text"): "remind me to"}
"""How the answer to a question reads once it is put into the request it completes."""
_ABILITIES = (
    ("find_record", "find records by name"),
    ("get_record", "show and summarise a record"),
    ("query_records", "list records with conditions"),
    ("aggregate_records", "count and add up"),
    ("activities_timeline", "show recent activity"),
    ("search_knowledge", "answer from knowledge articles"),
    ("similar_cases", "find similar cases"),
    ("lookup_account", "look up an account"),
    ("fetch_cases", "list cases"),
    ("update_record", "change fields"),
    ("create_record", "create records"),
    ("create_task", "create tasks"),
    ("log_call", "log calls"),
    ("add_case_comment", "comment on cases"),
    ("create_draft", "draft e-mails"),
    ("send_email", "send drafts"),
)


@dataclass(frozen=True)
class Answer:
    text: str
    pending: Pending | None = None


@dataclass
class Planner:
    """Plans one user turn. Writes what it learns into `memory`."""

    briefing: Briefing
    toolbox: Toolbox
    memory: Memory
    bindings: dict[str, Known] = field(default_factory=dict)

    def turn(self, utterance: str) -> Generator[list[Call], list[Outcome], str]:
        """The whole turn; returns the answer."""
        if not len(self.toolbox):
            return "I have no tools here, so I cannot look up or change any records in this conversation."
        requests, early = self._requests(utterance)
        self.memory.pending = None
        if early:
            return early
        answers = yield from self._run(requests)
        self.memory.pending = next((answer.pending for answer in answers if answer.pending), None)
        return "\n\n".join(answer.text for answer in answers)

    # What to do

    def _requests(self, utterance: str) -> tuple[list[Request], str]:
        """The requests of this turn, or the answer if none needs a step."""
        pending = self.memory.pending
        if pending:
            if utterance.lower().strip(" .!?") in _CANCELS:
                return [], "All right, I left it as it is."
            if continued := self._continue(pending, utterance):
                return continued, ""
        if utterance.lower().strip(" .!?") in _CANCELS:
            return [], "There is no question open, so there is nothing to cancel."
        requests = understand(utterance, self.briefing, self.memory.last, self.toolbox)
        if not requests:
            return [], self._not_understood()
        return requests, ""

    def _continue(self, pending: Pending, utterance: str) -> list[Request] | None:
        """The waiting requests with the answer put in; None if the utterance asks something else."""
        self.bindings.update(pending.bindings)
        first, *rest = pending.requests
        if pending.slot.startswith("argument:"):
            answered = self._answer(first, pending.slot.partition(":")[2], utterance)
            return [answered, *rest] if answered else None
        verb = recognise_verb(clean(utterance))
        is_short = len(tokenize(utterance[:400])) <= 8
        if pending.candidates:
            is_answer = verb in (None, Verb.SHOW, Verb.MORE) and not _is_question(utterance)
            if is_answer and (chosen := pick(utterance, pending.candidates, self.memory)):
                self.bindings[pending.key] = chosen
                return [first, *rest]
            return self._replaced(first, rest, utterance) if verb is None and is_short else None
        if verb is None and pending.slot == "target" and is_short:
            return self._replaced(first, rest, utterance)
        if pending.slot in ("note", "text", "name") and verb in (
            None,
            Verb.SHOW,
            Verb.KNOWLEDGE,
            Verb.UPDATE,
            Verb.SUMMARISE,
            Verb.TIMELINE,
        ):
            if lead := _REASKED.get((first.verb, pending.slot)):
                return [read_clause(f"{lead} {clean(utterance)}", self.briefing, None), *rest]
            return [_with_slot(first, pending.slot, utterance), *rest]
        if pending.slot.startswith("change:") and (verb is None or is_short):
            _, place, label = pending.slot.split(":", 2)
            changes = [*first.changes]
            changes[int(place)] = Change(clean(utterance).strip(" ."), label)
            return [replace(first, changes=tuple(changes)), *rest]
        if pending.slot == "changes" and (verb in (None, Verb.UPDATE) or is_short):
            text = utterance if verb is Verb.UPDATE else f"set {utterance}"
            return [replace(first, changes=read_clause(clean(text), self.briefing, None).changes), *rest]
        return None

    def _answer(self, first: Request, name: str, utterance: str) -> Request | None:
        """The waiting call with the value that was asked for; None if the utterance gives none, or asks for more."""
        if first.tool not in self.toolbox:
            return None
        anew = read_clause(clean(utterance), self.briefing, None, self.toolbox)
        if anew.verb is Verb.TOOL and anew.tool != first.tool:
            return None
        said = read_answer(self.toolbox.spec(first.tool), name, clean(utterance), self.briefing, self.toolbox)
        return merged(first, said, self.toolbox.spec(first.tool), self.briefing) if said else None

    def _replaced(self, first: Request, rest: Sequence[Request], utterance: str) -> list[Request] | None:
        """A new name in place of the reference that was asked about."""
        said = read_clause(clean(utterance), self.briefing, None)
        target = said.target
        if target is None or said.verb is not Verb.SHOW:
            return None
        if first.people and (first.verb in (Verb.DRAFT, Verb.TASK, Verb.CALL)):
            return [
                replace(
                    first,
                    people=(
                        Reference(
                            text=target.text,
                            record_id=target.record_id,
                            objects=first.people[0].objects,
                            scope=target.scope,
                        ),
                    ),
                ),
                *rest,
            ]
        if first.verb is Verb.DRAFT:
            return [replace(first, people=(target,)), *rest]
        old = first.target or first.scope
        fresh = replace(target, objects=target.objects or (old.objects if old else ()))
        return [replace(first, target=fresh) if first.target else replace(first, scope=fresh), *rest]

    def _run(self, requests: Sequence[Request]) -> Steps[list[Answer]]:
        """Runs the requests in order; those that do not need each other's results run side by side."""
        answers: list[Answer] = []
        groups = _groups(requests)
        for at, group in enumerate(groups):
            answers += yield from _side_by_side([self._guarded(request) for request in group])
            asked = next((answer.pending for answer in answers if answer.pending), None)
            waiting = tuple(request for later in groups[at + 1 :] for request in later)
            if asked and waiting:
                held = Pending(
                    (*asked.requests, *waiting), asked.question, asked.key, asked.candidates, asked.slot, asked.bindings
                )
                return [Answer(a.text, held if a.pending is asked else None) for a in answers]
        return answers

    def _guarded(self, request: Request) -> Steps[Answer]:
        self.memory.last = request if request.verb in _READS else self.memory.last
        try:
            if request.needs_today:
                raise GiveUpError(
                    "I was not told today's date, so I cannot work out that date."
                    " Please give exact dates, such as 2026-03-31."
                )
            text = yield from self._handler(request.verb)(request)
        except AskError as ask:
            pending = Pending((request,), ask.question, ask.key, ask.candidates, ask.slot, dict(self.bindings))
            return Answer(ask.question, pending)
        except GiveUpError as given_up:
            text = str(given_up)
        return Answer(text)

    def _handler(self, verb: Verb) -> Callable[[Request], Steps[str]]:
        return {
            Verb.SHOW: self._show,
            Verb.LIST: self._list,
            Verb.MEASURE: self._measure,
            Verb.SUMMARISE: self._summarise,
            Verb.TIMELINE: self._timeline,
            Verb.KNOWLEDGE: self._knowledge,
            Verb.SIMILAR: self._similar,
            Verb.UPDATE: self._update,
            Verb.CREATE: self._create,
            Verb.TASK: self._task,
            Verb.CALL: self._log_call,
            Verb.COMMENT: self._comment,
            Verb.DRAFT: self._draft,
            Verb.SEND: self._send,
            Verb.MORE: self._more,
            Verb.TOOL: self._call,
        }.get(verb, self._chat)

    @property
    def _is_customer(self) -> bool:
        """Customers are served by fewer tools than are bound; those that count or search by name are for staff."""
        return bool(self.briefing.caller and self.briefing.caller.is_customer)

    # Words only

    def _chat(self, request: Request) -> Steps[str]:
        yield from ()
        if request.verb is Verb.THANKS:
            return "You are welcome."
        if request.verb is Verb.UNKNOWN:
            return self._not_understood()
        if request.verb is Verb.DELETE:
            return f"I cannot {tokenize(request.said)[0].low} records here. {self.say_abilities()}"
        return self.say_abilities()

    def say_abilities(self) -> str:
        able = [said for tool, said in _ABILITIES if tool in self.toolbox]
        return (
            f"Here I can {_enumerate(able)}." if able else "None of the tools I have here are ones I know how to use."
        )

    def _not_understood(self) -> str:
        return f"I did not understand that request. {self.say_abilities()}"

    # Reading

    def _need(self, tool: str, doing: str) -> None:
        if tool not in self.toolbox:
            raise GiveUpError(f"I cannot {doing} here: the tool for it is not available to me. {self.say_abilities()}")

    def _resolve(self, reference: Reference, objects: Sequence[str] = ()) -> Steps[Known]:
        resolver = Resolver(self.briefing, self.toolbox, self.memory, self.bindings)
        return (yield from resolver.resolve(reference, objects))

    def _show(self, request: Request) -> Steps[str]:
        reference = request.target or Reference(pronoun="it")
        try:
            record = yield from self._resolve(reference)
        except (AskError, GiveUpError) as unnamed:
            if said := (yield from self._answer_from_articles(request, unnamed)):
                return said
            raise
        if "get_record" not in self.toolbox:
            if not record.details:
                self._need("get_record", f"show {record.record_id}")
            return compose.say_row(record, self.memory).removeprefix("- ")
        outcome = (yield [self.toolbox.call("get_record", object=record.object, record_id=record.record_id)])[0]
        if not outcome.ok:
            return compose.say_problem(outcome, f"Reading {compose.cite(record, self.memory)}")
        return compose.say_record(outcome, self.memory, only=_present(request.fields, outcome))

    def _summarise(self, request: Request) -> Steps[str]:
        record = yield from self._resolve(request.target or Reference(pronoun="it"))
        self._need("get_record", "summarise a record")
        children = [name for name in CHILDREN.get(record.object, ()) if name in self.briefing.objects]
        calls = [
            self.toolbox.call("get_record", object=record.object, record_id=record.record_id, related=children or None)
        ]
        if "activities_timeline" in self.toolbox:
            calls.append(
                self.toolbox.call("activities_timeline", record_id=record.record_id, since=request.day, limit=5)
            )
        outcomes = yield calls
        main = outcomes[0]
        if main.kind == "retry" and children:
            main = (yield [self.toolbox.call("get_record", object=record.object, record_id=record.record_id)])[0]
        if not main.ok:
            return compose.say_problem(main, f"Reading {compose.cite(record, self.memory)}")
        self.memory.focus(record)
        return compose.say_summary(main, outcomes[1] if len(outcomes) > 1 else None, self.memory)

    def _timeline(self, request: Request) -> Steps[str]:
        record = yield from self._resolve(request.target or Reference(pronoun="it"))
        self._need("activities_timeline", "show activity")
        since = request.day
        if request.text == "recent" and self.briefing.today:
            since = (self.briefing.today - timedelta(RECENT_DAYS)).isoformat()
        until = (date.fromisoformat(request.until) - timedelta(1)).isoformat() if request.until else None
        outcome = (
            yield [
                self.toolbox.call("activities_timeline", record_id=record.record_id, since=since, until=until, limit=10)
            ]
        )[0]
        if not outcome.ok:
            return compose.say_problem(outcome, f"Reading the activity of {compose.cite(record, self.memory)}")
        told = since if since and since in request.said else None
        return compose.say_timeline(outcome, self.memory, compose.cite(record, self.memory), told)

    def _knowledge(self, request: Request) -> Steps[str]:
        self._need("search_knowledge", "search knowledge articles")
        outcome = (yield [self.toolbox.call("search_knowledge", query=_with_singulars(request.text), limit=3)])[0]
        return (
            compose.say_articles(outcome)
            if outcome.ok
            else compose.say_problem(outcome, "Searching the knowledge base")
        )

    def _answer_from_articles(self, request: Request, unnamed: AskError | GiveUpError) -> Steps[str]:
        """What articles say to a question that only seemed to name a record; empty if they say nothing to it."""
        guessed = request.target is not None and request.target.text.islower()
        words = set(request.target.text.split()) if request.target else set()
        found = unnamed.candidates if isinstance(unnamed, AskError) else ()
        is_named = any(words <= set(one.name.lower().split()) for one in found)
        if not (request.asks and guessed) or is_named or "search_knowledge" not in self.toolbox:
            return ""
        outcome = (yield [self.toolbox.call("search_knowledge", query=_with_singulars(request.said), limit=3)])[0]
        return compose.say_articles(outcome) if outcome.ok and outcome.result.get("articles") else ""

    def _similar(self, request: Request) -> Steps[str]:
        self._need("similar_cases", "look for similar cases")
        case_id, about = None, f' about "{compose.escape(request.text)}"' if request.text else ""
        if request.target:
            record = yield from self._resolve(request.target, ("Case",))
            case_id, about = record.record_id, f" to {compose.cite(record, self.memory)}"
        outcome = (
            yield [self.toolbox.call("similar_cases", case_id=case_id, text=None if case_id else request.text, limit=5)]
        )[0]
        return (
            compose.say_similar(outcome, about)
            if outcome.ok
            else compose.say_problem(outcome, "Looking for similar cases")
        )

    # Any other tool

    def _call(self, request: Request) -> Steps[str]:
        caller = Caller(self.toolbox.spec(request.tool), self.briefing, self.memory, self._resolve)
        if request.otherwise is None:
            return (yield from caller.run(request))
        try:
            return (yield from caller.run(request))
        except (AskError, GiveUpError) as lacking:
            if isinstance(lacking, AskError) and lacking.candidates:
                raise
        return (yield from self._handler(request.otherwise.verb)(request.otherwise))

    # Lists and numbers

    def _list(self, request: Request) -> Steps[str]:
        conditions, where = yield from self._scoped(request)
        info = self.briefing.object(request.object or "")
        call = self._case_call(request, conditions) or self._query_call(request, conditions, info)
        outcome = (yield [call])[0]
        if outcome.kind == "retry" and (plainer := self._plainer(call)):
            outcome = (yield [plainer])[0]
        if not outcome.ok:
            return compose.say_problem(outcome, f"Listing {compose.say_object(request.object or 'record', count=2)}")
        return compose.say_list(request, outcome, self.memory, where)

    def _plainer(self, call: Call) -> Call | None:
        """The same query without its optional parts, for a tool that refused one of them."""
        args = {name: value for name, value in call.args.items() if name not in ("fields", "sort")}
        return Call(call.tool, args) if args != call.args else None

    def _case_call(self, request: Request, conditions: Sequence[Condition]) -> Call | None:
        """fetch_cases, if it is bound and can say every condition."""
        if request.object != "Case" or "fetch_cases" not in self.toolbox or request.sort:
            return None
        args: dict[str, Any] = {"status": "any", "limit": request.limit}
        for condition in conditions:
            match condition.field, condition.op:
                case "IsClosed", "eq":
                    args["status"] = "closed" if condition.value else "open"
                case "Status", ("eq" | "ne") as op if condition.value == "Closed":
                    args["status"] = "closed" if op == "eq" else "open"
                case ("AccountId" | "ContactId") as name, "eq" if f"{name[:-2].lower()}_id" not in args:
                    args[f"{name[:-2].lower()}_id"] = condition.value
                case "CreatedDate", "ge":
                    args["created_since"] = condition.value
                case "CreatedDate", "lt":
                    args["created_until"] = (date.fromisoformat(str(condition.value)) - timedelta(1)).isoformat()
                case _:
                    return None
        return self.toolbox.call("fetch_cases", **args)

    def _query_call(self, request: Request, conditions: Sequence[Condition], info: ObjectInfo) -> Call:
        self._need("query_records", f"list {compose.say_object(request.object or 'record', count=2)} like that")
        wanted = [
            *NAME_FIELDS,
            "FirstName",
            "CaseNumber",
            *SHOWN_FIELDS.get(info.name, ()),
            *(c.field for c in conditions),
        ]
        fields = [name for name in dict.fromkeys(wanted) if name in info.fields and name != "Id"]
        sort = [{"field": request.sort.field, "descending": request.sort.descending}] if request.sort else None
        limit = request.limit or (
            1 if request.sort and request.sort.field != "Name" and _is_singular(request) else None
        )
        return self.toolbox.call(
            "query_records",
            object=request.object,
            fields=fields or None,
            filters=_filters(conditions),
            sort=sort,
            limit=limit,
        )

    def _measure(self, request: Request) -> Steps[str]:
        conditions, where = yield from self._scoped(request)
        if "aggregate_records" not in self.toolbox or (self._is_customer and not request.group_by):
            return (yield from self._count_by_listing(request, conditions, where))
        if request.function != "count" and not request.measure:
            raise GiveUpError(
                f"I do not know which number of {compose.say_object(request.object or 'record', count=2)} to add up."
                " Name the field, please."
            )
        call = self.toolbox.call(
            "aggregate_records",
            object=request.object,
            function=request.function,
            field=request.measure,
            group_by=list(request.group_by) or None,
            filters=_filters(conditions),
        )
        outcome = (yield [call])[0]
        if not outcome.ok:
            return compose.say_problem(outcome, f"Counting {compose.say_object(request.object or 'record', count=2)}")
        note = (f"\n\n{request.problem}" if request.problem else "") + compose.say_ignored(request)
        return compose.say_measure(request, outcome, self.memory, where) + note

    def _count_by_listing(self, request: Request, conditions: Sequence[Condition], where: str) -> Steps[str]:
        if request.function != "count" or request.group_by:
            self._need("aggregate_records", "calculate figures")
        call = self._case_call(request, conditions) or self._query_call(
            replace(request, limit=1), conditions, self.briefing.object(request.object or "")
        )
        outcome = (yield [call])[0]
        if not outcome.ok:
            return compose.say_problem(outcome, "Counting")
        total = outcome.result.get("total")
        count = total if isinstance(total, int) else 0
        return f"{compose.say_number(count)} {compose.say_object(request.object or 'record', count=count)}{where}."

    def _more(self, request: Request) -> Steps[str]:
        page = self.memory.page
        cursor = page.result.get("next_cursor") if page else None
        if not page or not cursor or "query_records" not in self.toolbox:
            raise GiveUpError("There is nothing more to show: the last list is complete, or there was none.")
        outcome = (yield [Call("query_records", {**page.call.args, "cursor": cursor})])[0]
        if not outcome.ok:
            return compose.say_problem(outcome, "Reading the next page")
        shown = Request(Verb.LIST, request.said, object=str(page.call.args.get("object")))
        return compose.say_list(shown, outcome, self.memory, "")

    def _scoped(self, request: Request) -> Steps[tuple[list[Condition], str]]:
        """The conditions with the owning record and person put in, and how to say them."""
        conditions = list(request.conditions)
        where = _say_conditions(conditions, self.memory)
        info = self.briefing.object(request.object or "")
        if request.owner:
            person = yield from self._resolve(request.owner, ("User",))
            conditions = [c for c in conditions if c.topic != "mine"] + [
                Condition("OwnerId", "eq", person.record_id, "owner")
            ]
            where += f" owned by {compose.cite(person, self.memory)}"
        if request.scope:
            targets = _reference_fields(info)
            parent = yield from self._resolve(
                request.scope,
                tuple(targets) if not request.scope.pronoun or not request.scope.objects else request.scope.objects,
            )
            link = targets.get(parent.object)
            if link is None:
                things = compose.capital(compose.say_object(info.name, count=2))
                raise GiveUpError(
                    f"{things} are not linked to {with_article(compose.say_object(parent.object))}, "
                    f"so I cannot list them for {compose.cite(parent, self.memory)}."
                )
            conditions.append(Condition(link, "eq", parent.record_id, "scope"))
            where += f" for {compose.cite(parent, self.memory)}"
        return conditions, where

    # Writing

    def _update(self, request: Request) -> Steps[str]:
        self._need("update_record", "change records")
        objects = request.target.objects if request.target else ()
        candidates = objects or _objects_fitting(request.changes, self.briefing)
        record = yield from self._resolve(request.target or Reference(pronoun="it"), candidates)
        if not request.changes or all(not c.value and not c.field for c in request.changes):
            raise AskError(f"What should change on {compose.cite(record, self.memory)}?", slot="changes")
        fields = yield from self._assign(request.changes, self.briefing.object(record.object))
        outcome = (
            yield [self.toolbox.call("update_record", object=record.object, record_id=record.record_id, fields=fields)]
        )[0]
        return self._applied(outcome, "Updated" if outcome.ok else f"Updating {compose.cite(record, self.memory)}")

    def _applied(self, outcome: Outcome, doing: str) -> str:
        return compose.say_applied(outcome, self.memory, doing)

    def _assign(self, changes: Iterable[Change], info: ObjectInfo) -> Steps[dict[str, object]]:
        """Fields with values for a write; people are looked up."""
        fields: dict[str, object] = {}
        for at, change in enumerate(changes):
            assignment = fit(change, info, self.briefing)
            if assignment.problem:
                raise AskError(assignment.problem, slot=f"change:{at}:{change.field or say_name(assignment.field)}")
            fields[assignment.field] = (yield from self._linked(assignment)) if assignment.person else assignment.value
        return fields

    def _linked(self, assignment: Assignment) -> Steps[str]:
        objects = REFERENCE_TARGETS.get(assignment.field, ())
        record = yield from self._resolve(Reference(text=assignment.person), objects)
        return record.record_id

    def _create(self, request: Request) -> Steps[str]:
        self._need("create_record", "create records")
        info = self.briefing.object(request.object or "")
        named = [change for change in request.changes if change.field == "name"]
        others = [change for change in request.changes if change.field != "name"]
        fields = _name_fields(named[-1].value if named else "", info)
        if not fields and info.first(*NAME_FIELDS):
            label = "subject" if info.first("Subject") else "name"
            raise AskError(f"What is the {label} of the new {compose.say_object(info.name)}?", slot="name")
        fields.update((yield from self._assign(others, info)))
        if request.scope:
            fields.update((yield from self._parent(request.scope, info)))
        outcome = (yield [self.toolbox.call("create_record", object=info.name, fields=fields)])[0]
        if outcome.kind == "retry":
            raise GiveUpError(
                f"The {compose.say_object(info.name)} cannot be created yet: {compose.escape(outcome.message)}"
            )
        return self._applied(outcome, "Created" if outcome.ok else f"Creating the {compose.say_object(info.name)}")

    def _parent(self, scope: Reference, info: ObjectInfo) -> Steps[dict[str, object]]:
        """The link from a new record to the one it belongs to."""
        if info.name == "Account" and info.first("BillingCity") and scope.text:
            return {"BillingCity": scope.text}
        if info.first("Company") and not info.first("AccountId") and scope.text:
            return {"Company": scope.text}
        targets = _reference_fields(info)
        targets.pop("User", None)
        parent = yield from self._resolve(scope, tuple(targets))
        link = targets.get(parent.object)
        fields: dict[str, object] = {link: parent.record_id} if link else {}
        account = parent.details.get("AccountId")
        if link == "ContactId" and account and info.first("AccountId"):
            fields["AccountId"] = account
        return fields

    def _task(self, request: Request) -> Steps[str]:
        self._need("create_task", "create tasks")
        if not request.text:
            raise AskError("What should the task be about?", slot="text")
        who, related, missing = yield from self._links(request)
        outcome = (
            yield [
                self.toolbox.call(
                    "create_task",
                    subject=request.text,
                    due_date=request.day,
                    related_to_id=related,
                    who_id=who,
                    priority=request.priority,
                )
            ]
        )[0]
        return self._applied(outcome, "Created task" if outcome.ok else "Creating the task") + missing

    def _log_call(self, request: Request) -> Steps[str]:
        self._need("log_call", "log calls")
        who, related, missing = yield from self._links(request)
        if who is None and related is None and not missing and request.text == "Call":
            raise AskError("With whom was the call?", slot="text")
        outcome = (
            yield [
                self.toolbox.call(
                    "log_call",
                    subject=request.text,
                    notes=request.note or None,
                    related_to_id=related,
                    who_id=who,
                    called_on=request.day,
                )
            ]
        )[0]
        return self._applied(outcome, "Logged" if outcome.ok else "Logging the call") + missing

    def _links(self, request: Request) -> Steps[tuple[str | None, str | None, str]]:
        """Ids of the person and the record a text names, and a note about names that were not found."""
        who = related = None
        missing: list[str] = []
        references = [
            *request.people,
            *([request.target] if request.target else []),
            *([request.scope] if request.scope else []),
        ]
        for reference in references:
            try:
                record = yield from self._resolve(reference)
            except GiveUpError:
                missing.append(reference.text or reference.number)
                continue
            if record.object in ("Contact", "Lead"):
                who = who or record.record_id
            else:
                related = related or record.record_id
        quoted = [f'"{compose.escape(name)}"' for name in missing if name]
        note = f"\n\nI found no record for {_enumerate(quoted)}, so it is not linked." if quoted else ""
        return who, related, note

    def _comment(self, request: Request) -> Steps[str]:
        self._need("add_case_comment", "comment on cases")
        record = yield from self._resolve(request.target or Reference(pronoun="the"), ("Case",))
        if record.object != "Case":
            raise GiveUpError(
                f"I can only comment on cases, and {compose.cite(record, self.memory)} is a"
                f" {compose.say_object(record.object)}."
            )
        if not request.note:
            raise AskError(f"What should the comment on {compose.cite(record, self.memory)} say?", slot="note")
        outcome = (
            yield [
                self.toolbox.call(
                    "add_case_comment", case_id=record.record_id, body=request.note, published=request.published
                )
            ]
        )[0]
        kind = "public" if request.published else "internal"
        return self._applied(
            outcome, f"Added {kind} comment" if outcome.ok else f"Commenting on {compose.cite(record, self.memory)}"
        )

    def _draft(self, request: Request) -> Steps[str]:
        self._need("create_draft", "draft e-mails")
        record = None
        if request.target or request.scope:
            record = yield from self._resolve(request.target or request.scope or Reference())
        person = None
        if request.people:
            person = yield from self._resolve(request.people[0], ("Contact", "Lead"))
        elif record and record.details.get("ContactId"):
            person = Known(
                "Contact", str(record.details["ContactId"]), self.memory.name_of(str(record.details["ContactId"]))
            )
        elif record is None:
            record = self._recent_subject()
        if person is None and record is None:
            raise AskError("To whom should the e-mail go?", slot="target", key="recipient")
        if person and record is None:
            record = self._recent_subject(person)
        about = record or person
        subject, body = write_draft(request, person, record if record is not person else None, self.briefing.caller)
        outcome = (
            yield [
                self.toolbox.call(
                    "create_draft",
                    record_id=about.record_id if about else "",
                    recipient_id=person.record_id if person else None,
                    subject=subject,
                    body=body,
                )
            ]
        )[0]
        if not outcome.ok:
            return self._applied(outcome, "Saving the draft")
        return (
            f"{self._applied(outcome, 'Drafted, not sent')}\n\n> Subject: {compose.escape(subject)}\n>\n"
            + "\n".join(f"> {compose.escape(line)}" for line in body.splitlines())
        )

    def _send(self, request: Request) -> Steps[str]:
        self._need("send_email", "send e-mails")
        draft = yield from find_draft(request, self.toolbox, self.memory, self._resolve)
        outcome = (yield [self.toolbox.call("send_email", draft_id=draft.record_id)])[0]
        said = compose.cite(draft, self.memory)
        return self._applied(outcome, "Handed over to be delivered" if outcome.ok else f"Sending {said}")

    def _recent_subject(self, person: Known | None = None) -> Known | None:
        """The case or opportunity last spoken of, if it belongs with the person."""
        record = self.memory.find(Reference(pronoun="it", objects=("Case", "Opportunity")))
        if record is None or person is None:
            return record
        linked = person.record_id == record.details.get("ContactId")
        account = record.details.get("AccountId")
        return record if linked or (account and account == person.details.get("AccountId")) else None


def _is_question(utterance: str) -> bool:
    """Whether it asks something itself, so that it cannot be the answer to our question."""
    return utterance.lower().split(" ", 1)[0] in (
        "what",
        "when",
        "who",
        "how",
        "why",
        "where",
        "does",
        "is",
        "are",
        "do",
    )


def _with_singulars(question: str) -> str:
    """The question with the singular of each plural in it: titles say 'delivery' where people say 'deliveries'."""
    words = [token.low for token in tokenize(question)]
    extra = [one for word in words if word.isalpha() and (one := singular(word)) != word and one not in words]
    return " ".join([question, *dict.fromkeys(extra)])


def _groups(requests: Sequence[Request]) -> list[list[Request]]:
    """Requests that can run side by side: none leans on the thread after another, and no read follows a write."""
    groups: list[list[Request]] = []
    for request in requests:
        references = [request.target, request.scope, *request.people]
        leans = any(reference and reference.leans_on_thread for reference in references)
        follows_write = (
            bool(groups) and any(earlier.verb not in _READS for earlier in groups[-1]) and request.verb in _READS
        )
        if groups and not leans and not follows_write and not request.is_elliptic:
            groups[-1].append(request)
        else:
            groups.append([request])
    return groups


def _side_by_side(programs: Sequence[Steps[Answer]]) -> Steps[list[Answer]]:
    """Runs programs in step: what all of them wait for goes out as one batch of calls."""
    answers: dict[int, Answer] = {}
    waiting: dict[int, list[Call]] = {}
    inbox: dict[int, list[Outcome] | None] = {at: None for at in range(len(programs))}
    while inbox:
        waiting = {}
        for at, outcomes in inbox.items():
            try:
                waiting[at] = next(programs[at]) if outcomes is None else programs[at].send(outcomes)
            except StopIteration as done:
                answers[at] = done.value
        received = (yield [call for calls in waiting.values() for call in calls]) if waiting else []
        inbox, start = {}, 0
        for at, calls in waiting.items():
            inbox[at] = received[start : start + len(calls)]
            start += len(calls)
    return [answers[at] for at in sorted(answers)]


def _filters(conditions: Iterable[Condition]) -> list[dict[str, object]]:
    return [{"field": c.field, "op": c.op, "value": c.value} for c in conditions]


def _present(fields: Sequence[str], outcome: Outcome) -> tuple[str, ...]:
    """Of the fields asked for, those the record has; all of them if it has none, so that the answer can say so."""
    has = outcome.result.get("fields")
    present = tuple(name for name in fields if isinstance(has, Mapping) and name in has)
    return present or tuple(fields)


def _is_singular(request: Request) -> bool:
    words = request.said.lower()
    return not any(
        token.low.endswith("s") and token.low not in ("is", "us", "'s", "has", "was", "does")
        for token in tokenize(words)
    )


def _reference_fields(info: ObjectInfo) -> dict[str, str]:
    """Object -> the field that links to it."""
    names = list(info.fields) if info.fields else ["AccountId", "ContactId"]
    links: dict[str, str] = {}
    for name in [*names, "OwnerId"]:
        for target in REFERENCE_TARGETS.get(name, ()):
            links.setdefault(target, name)
    if info.name == "CaseComment":
        links["Case"] = "ParentId"
    return links


def _objects_fitting(changes: Sequence[Change], briefing: Briefing) -> tuple[str, ...]:
    """Objects that have every field, or a field for every value, of the changes."""
    main = ("Opportunity", "Case", "Account", "Contact", "Lead", "Quote", "Task", "Contract", "Order", "Campaign")
    fitting = [
        name
        for name in main
        if name in briefing.objects
        and changes
        and all(not fit(change, briefing.object(name), briefing).problem for change in changes)
    ]
    return tuple(fitting)


def _name_fields(name: str, info: ObjectInfo) -> dict[str, object]:
    if not name:
        return {}
    if info.first("LastName"):
        first, _, last = name.rpartition(" ")
        return {"FirstName": first, "LastName": last} if first else {"LastName": last}
    field_name = info.first(*NAME_FIELDS) or "Name"
    return {field_name: name}


def _with_slot(request: Request, slot: str, utterance: str) -> Request:
    text = " ".join(utterance.split()).strip('"')
    if slot == "note":
        return replace(request, note=text)
    if slot == "name":
        return replace(request, changes=(*request.changes, Change(text, "name")))
    return replace(request, text=text[:1].upper() + text[1:])


def _say_conditions(conditions: Sequence[Condition], memory: Memory) -> str:
    """The narrowing in words, so that a misread request is seen at once."""
    signs = {
        "eq": "=",
        "ne": "≠",
        "gt": ">",
        "ge": "≥",
        "lt": "<",
        "le": "≤",
        "contains": "contains",
        "starts_with": "starts with",
        "in": "in",
        "is_null": "is empty",
    }
    parts = []
    years = _whole_years(conditions)
    for condition in conditions:
        if year := years.get(condition.field):
            if condition.op == "ge":
                parts.append(f"{say_name(condition.field)} in {year}")
        elif condition.topic == "mine":
            parts.append("yours")
        elif condition.field == "IsClosed":
            parts.append("closed" if condition.value else "open")
        elif condition.op == "is_null":
            parts.append(f"without {say_name(condition.field)}")
        else:
            parts.append(
                f"{say_name(condition.field)} {signs[condition.op]} {compose.say_value(condition.value, memory)}"
            )
    return f" ({', '.join(parts)})" if parts else ""


def _whole_years(conditions: Sequence[Condition]) -> dict[str, str]:
    """Field -> the year that the conditions on it span: said as people say it, without its first and last day."""
    since = {c.field: str(c.value) for c in conditions if c.op == "ge" and str(c.value).endswith("-01-01")}
    until = {c.field: str(c.value) for c in conditions if c.op == "lt" and str(c.value).endswith("-01-01")}
    return {name: first[:4] for name, first in since.items() if until.get(name, "")[:4] == str(int(first[:4]) + 1)}


def _say_missing(names: Sequence[str]) -> str:
    quoted = [f'"{compose.escape(name)}"' for name in names]
    return f"\n\nI found no record for {_enumerate(quoted)}, so it is not linked." if quoted else ""


def _enumerate(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
