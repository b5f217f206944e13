"""What developers ask of the copilot, from their words to the report, through HTTP; on both databases."""

from langchain_core.messages import AIMessage

from api.settings import Settings
from tests.service import ADMIN, DANA, calls, open_world, script, tool_results
from tools._sandbox.runner import SandboxUnavailableError

DEVI = "devi@northwind.example"
OTHER_DEVI = "devi@southridge.example"

RULE = {
    "kind": "validation_rule",
    "object": "Case",
    "conditions": [{"field": "Priority", "value": "High"}, {"field": "Reason", "op": "is_null", "value": True}],
    "message": "A case of high priority needs a reason.",
}
STEALING = {
    "code": "def keys():\n    return open('/proc/self/environ').read()\n",
    "tests": "from generated import keys\ndef test_keys():\n    print(keys())\n",
}


async def test_a_developer_has_a_rule_written_and_tried_and_a_theft_is_stopped(settings: Settings) -> None:
    ask = "generate Python code for a validation rule on cases"
    lines = [
        calls(("generate_code", RULE)),
        AIMessage("All 4 tests passed in the sandbox."),
        calls(("run_code", STEALING)),
        AIMessage("It was stopped: it tried to open a file."),
        calls(("run_code", {"code": "x = 1"})),
        AIMessage("That is not mine to run."),
        calls(("generate_code", RULE)),
        AIMessage("The budget is used up."),
    ]
    limited = settings.model_copy(update={"tenant_code_runs_per_day": 2})
    async with open_world(limited, model=script(*lines)) as world:
        thread = await world.open_thread(DEVI)
        values = await world.say(DEVI, thread, ask)
        [made] = tool_results(values)
        assert made["ok"], made
        assert made["result"]["summary"] == "A validation rule for Case, with 4 tests: all 4 passed in the sandbox."
        values = await world.say(DEVI, thread, "run this Python code please")
        stolen = tool_results(values)[-1]["result"]
        assert stolen["verdict"] == "stopped"
        assert stolen["stopped"] == "files: open at generated.py line 2 during test_keys"
        assert stolen["printed"] == ""

        dana = await world.open_thread(DANA)
        values = await world.say(DANA, dana, "run this Python code for the schema")
        denied = tool_results(values)[-1]["error"]
        assert denied == {"kind": "denied", "message": "run_code needs the permission 'run_code'"}
        values = await world.say(DEVI, thread, ask)
        assert "budget for running code is used up (2 runs a day)" in tool_results(values)[-1]["error"]["message"]

        entries = [one for one in await world.get(ADMIN, "/audit") if one["kind"] == "code.run"]
        assert sorted((one["payload"]["verdict"], one["payload"]["stopped"]) for one in entries) == [
            ("passed", None),
            ("stopped", "files"),
        ]
        who = await world.get(DEVI, "/me")
        assert "code:run" in who["scopes"]


async def test_where_nothing_holds_code_in_none_is_run_and_the_answer_says_so(settings: Settings) -> None:
    async with open_world(settings, model=script(calls(("run_code", STEALING)), AIMessage("It cannot."))) as world:
        desk = world.service.runner.desk
        assert desk.code is not None

        async def refuse(code: str, tests: str | None = None) -> None:
            raise SandboxUnavailableError("code cannot be run here: the filter on system calls does not hold")

        desk.code.sandbox.run = refuse  # type: ignore[method-assign,assignment]
        values = await world.say(OTHER_DEVI, await world.open_thread(OTHER_DEVI), "run this Python code")
        [said] = tool_results(values)
        assert said["error"]["message"] == "code cannot be run here: the filter on system calls does not hold"
