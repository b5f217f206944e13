"""Lists records under conditions, and counts and adds up over them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from agents._offline import compose
from agents._offline.lexicon import NAME_FIELDS, SHOWN_FIELDS
from agents._offline.narrowing import say_conditions
from agents._offline.prompt import ObjectInfo
from agents._offline.request import Condition, Request, Verb
from agents._offline.resolve import GiveUpError, Steps
from agents._offline.toolbox import Call
from agents._offline.words import tokenize, with_article
from agents._offline.work import Work, kinds_between, links_of


def list_records(work: Work, request: Request) -> Steps[str]:
    request, conditions, where = yield from _scoped(work, request)
    info = work.briefing.object(request.object or "")
    work.require_readable(info.name, _fields_of(request, conditions))
    call = _case_call(work, request, conditions) or _query_call(work, request, conditions, info)
    outcome = (yield [call])[0]
    if outcome.kind == "retry" and (plainer := _plainer(call)):
        outcome = (yield [plainer])[0]
    if not outcome.ok:
        return compose.say_problem(outcome, f"Listing {compose.say_object(request.object or 'record', count=2)}")
    return compose.say_list(request, outcome, work.memory, where)


def _plainer(call: Call) -> Call | None:
    """The same query without its optional parts, for a tool that refused one of them."""
    args = {name: value for name, value in call.args.items() if name not in ("fields", "sort")}
    return Call(call.tool, args) if args != call.args else None


def _case_call(work: Work, request: Request, conditions: Sequence[Condition]) -> Call | None:
    """fetch_cases, if it is bound and can say every condition."""
    if request.object != "Case" or "fetch_cases" not in work.toolbox or request.sort:
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
    return work.toolbox.call("fetch_cases", **args)


def _query_call(work: Work, request: Request, conditions: Sequence[Condition], info: ObjectInfo) -> Call:
    work.need("query_records", f"list {compose.say_object(request.object or 'record', count=2)} like that")
    wanted = [
        *NAME_FIELDS,
        "FirstName",
        "CaseNumber",
        *SHOWN_FIELDS.get(info.name, ()),
        *(c.field for c in conditions),
    ]
    fields = [name for name in dict.fromkeys(wanted) if name in info.fields and name != "Id"]
    sort = [{"field": request.sort.field, "descending": request.sort.descending}] if request.sort else None
    limit = request.limit or (1 if request.sort and request.sort.field != "Name" and _is_singular(request) else None)
    return work.toolbox.call(
        "query_records",
        object=request.object,
        fields=fields or None,
        filters=_filters(conditions),
        sort=sort,
        limit=limit,
    )


def measure(work: Work, request: Request) -> Steps[str]:
    request, conditions, where = yield from _scoped(work, request)
    if "aggregate_records" not in work.toolbox or (work.is_customer and not request.group_by):
        return (yield from _count_by_listing(work, request, conditions, where))
    if request.function != "count" and not request.measure:
        raise GiveUpError(
            f"I do not know which number of {compose.say_object(request.object or 'record', count=2)} to add up."
            " Name the field, please."
        )
    work.require_readable(request.object or "", _fields_of(request, conditions))
    call = work.toolbox.call(
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
    return compose.say_measure(request, outcome, work.memory, where) + note


def _count_by_listing(work: Work, request: Request, conditions: Sequence[Condition], where: str) -> Steps[str]:
    if request.function != "count" or request.group_by:
        work.need("aggregate_records", "calculate figures")
    call = _case_call(work, request, conditions) or _query_call(
        work, replace(request, limit=1), conditions, work.briefing.object(request.object or "")
    )
    outcome = (yield [call])[0]
    if not outcome.ok:
        return compose.say_problem(outcome, "Counting")
    total = outcome.result.get("total")
    count = total if isinstance(total, int) else 0
    return f"{compose.say_number(count)} {compose.say_object(request.object or 'record', count=count)}{where}."


def show_more(work: Work, request: Request) -> Steps[str]:
    page = work.memory.page
    cursor = page.result.get("next_cursor") if page else None
    if not page or not cursor or "query_records" not in work.toolbox:
        raise GiveUpError("There is nothing more to show: the last list is complete, or there was none.")
    outcome = (yield [Call("query_records", {**page.call.args, "cursor": cursor})])[0]
    if not outcome.ok:
        return compose.say_problem(outcome, "Reading the next page")
    shown = Request(Verb.LIST, request.said, object=str(page.call.args.get("object")))
    return compose.say_list(shown, outcome, work.memory, "")


def _scoped(work: Work, request: Request) -> Steps[tuple[Request, list[Condition], str]]:
    """The request and its conditions with the owning record and person put in, and how to say them."""
    conditions = list(request.conditions)
    owned = ""
    if request.owner:
        person = yield from work.resolve(request.owner, ("User",))
        conditions = [c for c in conditions if c.topic != "mine"] + [
            Condition("OwnerId", "eq", person.record_id, "owner")
        ]
        owned = f" owned by {compose.cite(person, work.memory)}"
    if request.scope is None:
        return request, conditions, say_conditions(conditions, work.memory) + owned
    info = work.briefing.object(request.object or "")
    between = kinds_between(info.name, work.briefing)
    targets = {**between, **links_of(info)}
    parent = yield from work.resolve(
        request.scope,
        tuple(targets) if not request.scope.pronoun or not request.scope.objects else request.scope.objects,
    )
    if parent.object not in links_of(info) and parent.object in between:
        info = work.briefing.object(between[parent.object])
        conditions = [one for one in conditions if one.field in info.fields]
        request = replace(request, object=info.name, sort=None)
    link = links_of(info).get(parent.object)
    if link is None:
        things = compose.capital(compose.say_object(info.name, count=2))
        raise GiveUpError(
            f"{things} are not linked to {with_article(compose.say_object(parent.object))}, "
            f"so I cannot list them for {compose.cite(parent, work.memory)}."
        )
    where = say_conditions(conditions, work.memory) + owned
    conditions.append(Condition(link, "eq", parent.record_id, "scope"))
    return request, conditions, f"{where} for {compose.cite(parent, work.memory)}"


def _fields_of(request: Request, conditions: Iterable[Condition]) -> list[str]:
    """What a list or figure is narrowed, ordered, split and worked out by."""
    sort = [request.sort.field] if request.sort else []
    split = [name.partition(".")[0] for name in request.group_by]
    measure = [request.measure] if request.measure and request.function != "count" else []
    return [*(condition.field for condition in conditions), *sort, *split, *measure]


def _filters(conditions: Iterable[Condition]) -> list[dict[str, object]]:
    return [one.as_argument for one in conditions]


def _is_singular(request: Request) -> bool:
    words = request.said.lower()
    return not any(
        token.low.endswith("s") and token.low not in ("is", "us", "'s", "has", "was", "does")
        for token in tokenize(words)
    )
