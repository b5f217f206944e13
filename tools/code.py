"""Python for the tenant's own schema: written by rules, tried in the sandbox."""

from typing import Any, Literal

from crm.connector import Row
from crm.description import ObjectDescription
from crm.fields import to_json
from crm.values import parse_value
from tools._codegen.program import Asked, Program, write_integration, write_trigger, write_validation_rule
from tools._codegen.samples import NoSuchRecordError
from tools._conditions import read_field_condition, refuse_handles, spec_of_field
from tools._declare import (
    Arguments,
    Result,
    Source,
    ToolContext,
    ToolFailedError,
    ToolRetryError,
    argument,
    output,
    tool,
)
from tools._sandbox.report import Fault, Report
from tools._sandbox.runner import MOST_SOURCE
from tools._shapes import FilterArgument
from trust.actions import Effect
from trust.scopes import CODE_RUN

RUN_CODE = "run_code"
_MOST_OUTPUT = 4_000
_EVENTS: dict[str, tuple[str, ...]] = {"create": ("create",), "update": ("update",), "both": ("create", "update")}

CodeKind = Literal["validation_rule", "trigger", "integration"]


class GenerateCode(Arguments):
    kind: CodeKind = argument(
        "What to write.",
        options={
            "validation_rule": "refuses records that meet the conditions, with a message; also a check or constraint",
            "trigger": "sets fields when a record is saved; also a handler, an automation or an event hook",
            "integration": "sends records to another system by HTTP; also a webhook, an export or a sync snippet",
        },
    )
    object: str = argument("Kind of record by its API name, such as Opportunity or Case.", max_length=60)
    conditions: list[FilterArgument] = argument(
        "When it applies, as field, op and value. Leave out for every record.",
        default=[],
        max_length=10,
        source=Source.HANDLE,
    )
    match: Literal["all", "any"] = argument("Whether all conditions must hold, or any of them.", default="all")
    message: str | None = argument(
        "Validation rule: what people are told when a record is refused.",
        default=None,
        max_length=300,
        source=Source.HANDLE,
    )
    set_fields: dict[str, Any] = argument(
        "Trigger: fields to set, with their values.", default={}, max_length=10, source=Source.HANDLE
    )
    send_fields: list[str] = argument("Integration: fields to send.", default=[], max_length=30)
    url: str | None = argument(
        "Integration: where to send them, an https address.",
        default=None,
        max_length=300,
        pattern=r"^https://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~/-]*)?$",
    )
    events: Literal["create", "update", "both"] = argument(
        "Trigger and integration: when a record is created, updated or both.", default="both"
    )


class RunCode(Arguments):
    code: str = argument("Python source of one module.", min_length=1, max_length=MOST_SOURCE, source=Source.HANDLE)
    tests: str | None = argument(
        "Python source of its tests: functions named test_... with plain asserts; `import generated` is the code.",
        default=None,
        max_length=MOST_SOURCE,
        source=Source.HANDLE,
    )


class TestLine(Result):
    name: str = output("Name of the test.")
    passed: bool = output("Whether it passed.")
    error: str | None = output("What went wrong, and on which line.")


class CodeReport(Result):
    summary: str = output("What became of it.")
    verdict: Literal["passed", "failed", "stopped"] = output("stopped: it tried something that is not allowed.")
    stopped: str | None = output("By what it was stopped, and where; null if it was not.")
    error: str | None = output("Why the code could not be loaded; null if it could.")
    tests: list[TestLine] = output("Each test that was run, in order.")
    printed: str = output("What it printed.")
    held_in_by: list[str] = output("Layers of the sandbox.")
    processor_ms: int = output("Milliseconds of processor time.")


class GeneratedCode(CodeReport):
    kind: CodeKind = output("What was written.")
    object: str = output("Kind of record it is for.")
    code: str = output("Python source, complete in itself: generated.py.")
    test_code: str = output("Python source of its tests: test_generated.py, for the sandbox or for pytest.")


@tool(effect=Effect.READ, scope=CODE_RUN, permission=RUN_CODE)
async def generate_code(ctx: ToolContext, args: GenerateCode) -> GeneratedCode:
    """Generate Python code for an object of this CRM, with tests, and run both in a sandbox: a validation rule, a
    trigger or an integration snippet.

    Changes nothing in the CRM: the code is for people to read and to take along.
    """
    refuse_handles(args.model_dump())
    description = await ctx.crm.describe(args.object)
    try:
        program = _write(args, _asked(args, description))
    except NoSuchRecordError as error:
        raise ToolRetryError(f"conditions: {error}") from None
    report = await _runner(ctx).run(program.code, program.tests)
    kind = args.kind.replace("_", " ")
    summary = f"A {kind} for {args.object}, with {len(report.tests)} tests: {_outcome(report)}."
    shown = CodeReport.model_fields.keys() - {"summary"}
    return GeneratedCode(
        summary=summary,
        kind=args.kind,
        object=args.object,
        code=program.code,
        test_code=program.tests,
        **_shown(report).model_dump(include=set(shown)),
    )


@tool(effect=Effect.READ, scope=CODE_RUN, permission=RUN_CODE)
async def run_code(ctx: ToolContext, args: RunCode) -> CodeReport:
    """Run Python code and its tests in a locked-down sandbox and report what passed, failed or was stopped.

    It has no network, no files, no other processes, a few seconds and little memory, and only modules that compute.
    Test this code, try this code, execute it.
    """
    refuse_handles(args.model_dump())
    return _shown(await _runner(ctx).run(args.code, args.tests))


def _runner(ctx: ToolContext) -> Any:
    if ctx.code is None:
        raise ToolFailedError("no code is run here")
    return ctx.code


def _asked(args: GenerateCode, description: ObjectDescription) -> Asked:
    """Raises: FieldError for what the caller may not see or write; ToolRetryError for what is missing."""
    specs = {one.name: one.spec for one in description.fields}
    conditions = [read_field_condition(one.to_filter(), description) for one in args.conditions]
    return Asked(
        object_name=args.object,
        specs=specs,
        conditions=conditions,
        matching=args.match,
        message=args.message or "",
        events=_EVENTS[args.events],
        set_fields=_values(args.set_fields, description),
        sent_fields=tuple(_require_field(name, description) for name in dict.fromkeys(args.send_fields)),
        url=args.url or "",
    )


def _require_field(name: str, description: ObjectDescription) -> str:
    spec_of_field(name, description)
    return name


def _values(given: dict[str, Any], description: ObjectDescription) -> Row:
    values: Row = {}
    for name, value in given.items():
        spec = spec_of_field(name, description)
        if spec.is_system:
            raise ToolRetryError(f"set_fields: {name} is kept by the CRM itself and cannot be set")
        values[name] = to_json(parse_value(name, spec, value))
    return values


def _write(args: GenerateCode, asked: Asked) -> Program:
    if args.kind == "validation_rule":
        if not asked.conditions:
            raise ToolRetryError("conditions: a validation rule needs at least one")
        if not asked.message.strip():
            raise ToolRetryError("message: a validation rule needs one, for people whose record is refused")
        return write_validation_rule(asked)
    if args.kind == "trigger":
        if not asked.set_fields:
            raise ToolRetryError("set_fields: a trigger needs at least one field to set")
        return write_trigger(asked)
    if not asked.sent_fields:
        raise ToolRetryError("send_fields: an integration needs at least one field to send")
    if not asked.url:
        raise ToolRetryError("url: an integration needs the https address that records are sent to")
    return write_integration(asked)


def _shown(report: Report) -> CodeReport:
    stopped = None
    if report.stop is not None:
        during = f" during {report.stop.during}" if report.stop.during else ""
        stopped = f"{report.stop.kind}: {report.stop.tried}{_place(report.stop.file, report.stop.line)}{during}"
    return CodeReport(
        summary=_sentence(_outcome(report)),
        verdict=report.verdict,
        stopped=stopped,
        error=None if report.fault is None else _told(report.fault),
        tests=[
            TestLine(name=one.name, passed=one.fault is None, error=None if one.fault is None else _told(one.fault))
            for one in report.tests
        ],
        printed=report.output[:_MOST_OUTPUT],
        held_in_by=list(report.layers),
        processor_ms=report.cpu_ms,
    )


def _outcome(report: Report) -> str:
    if report.stop is not None:
        where = _place(report.stop.file, report.stop.line)
        return f"stopped in the sandbox for {report.stop.kind}{where}"
    if report.fault is not None:
        return f"the code could not be loaded{_place(report.fault.file, report.fault.line)}"
    if not report.tests:
        return "it ran to its end; there were no tests"
    failed = [one.name for one in report.tests if one.fault is not None]
    return (
        f"{len(failed)} of {len(report.tests)} failed" if failed else f"all {len(report.tests)} passed in the sandbox"
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _place(file: str | None, line: int | None) -> str:
    return "" if file is None else f" at {file} line {line}"


def _told(fault: Fault) -> str:
    said = f": {fault.message}" if fault.message else ""
    return f"{fault.type}{said}{_place(fault.file, fault.line)}"
