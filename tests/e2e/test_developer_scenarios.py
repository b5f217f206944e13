"""What developers ask of the copilot, from their words to the report, through HTTP; on both databases."""

from langchain_core.messages import AIMessage

from api.settings import Settings
from graphs.context import Limits
from tests.service import ADMIN, DANA, MARA, SAM, calls, held, open_world, script, tool_results
from tools._sandbox.runner import SandboxUnavailableError

PATIENT = Limits(tool_timeout_s=90)
"""On a busy machine it takes long to start a process."""
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
    async with open_world(limited, model=script(*lines), limits=PATIENT) as world:
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


async def test_a_rule_goes_from_plan_to_force_with_a_person_at_each_stop(settings: Settings) -> None:
    rule = {**RULE, "name": "High cases need a reason"}
    del rule["kind"]
    made: list[str] = []
    lines = [
        calls(("plan_validation_rule", rule)),
        AIMessage("That is the plan."),
        calls(("propose_validation_rule", rule)),
        AIMessage("It was not set up."),
        calls(("propose_validation_rule", rule)),
        AIMessage("It is set up."),
        lambda messages: calls(("activate_validation_rule", {"rule_id": made[0]})),
        AIMessage("It is in force."),
        calls(("create_record", {"object": "Case", "fields": {"Subject": "Pump", "Priority": "High"}})),
        AIMessage("It was refused."),
    ]
    async with open_world(settings, model=script(*lines), limits=PATIENT) as world:
        thread = await world.open_thread(DEVI)
        values = await world.say(DEVI, thread, "plan a validation rule for cases")
        plan = tool_results(values)[-1]["result"]
        assert plan["rule"] == 'Priority is "High" and Reason is empty'
        assert held(values) == []

        values = await world.say(DEVI, thread, "propose the validation rule")
        [request] = held(values)
        card = {one["field"]: one["new"] for one in request["card"]["changes"][0]["fields"]}
        assert card["ErrorConditions"] == 'Priority eq "High"\nReason is_null true'
        assert card["Active"] is False
        assert (await world.decide(DEVI, request, "approve")).status_code == 403, "no second person"
        rejected = await world.decide(ADMIN, request, "reject", reason="say it to the service team first")
        assert rejected.status_code == 200, rejected.text
        values = (await world.get(DEVI, f"/threads/{thread}/state"))["values"]
        assert "say it to the service team first" in tool_results(values)[-1]["error"]["message"]

        [request] = held(await world.say(DEVI, thread, "propose the validation rule again"))
        applied = (await world.decide(ADMIN, request, "approve")).json()["approval"]
        assert applied["status"] == "applied", applied
        made.append(applied["result"]["id"])
        [request] = held(await world.say(DEVI, thread, "put the validation rule in force"))
        assert (await world.decide(ADMIN, request, "approve")).json()["approval"]["status"] == "applied"

        values = await world.say(SAM, await world.open_thread(SAM), "create a case about the pump")
        said = tool_results(values)[-1]["error"]
        assert said == {
            "kind": "retry",
            "message": "A case of high priority needs a reason. (validation rule 'High cases need a reason')",
        }
        [entry] = [one for one in await world.get(ADMIN, "/ledger") if one["tool"] == "activate_validation_rule"]
        preview = await world.post(ADMIN, "/ledger/undo/preview", {"entry_id": entry["entry_id"]})
        done = await world.post(ADMIN, f"/ledger/{entry['entry_id']}/undo", {"digest": preview["digest"]})
        assert (preview["entries"][0]["way"], len(done["asked"])) == ("asks", 1), "taking back needs two people as well"


async def test_the_approval_policy_is_changed_by_two_people_and_counts_from_then_on(settings: Settings) -> None:
    rule = {
        "rule_id": "critical-cases",
        "reason": "two people look at cases",
        "objects": ["Case"],
        "operations": ["create"],
        "votes": 2,
    }
    pump = calls(("create_record", {"object": "Case", "fields": {"Subject": "Pump"}}))
    lines = [
        calls(("plan_approval_rule", rule)),
        AIMessage("That is the plan."),
        calls(("plan_approval_rule", rule)),
        AIMessage("That is the plan."),
        calls(("propose_approval_rule", rule)),
        AIMessage("It counts."),
        calls(("propose_approval_rule", rule)),
        AIMessage("It is there."),
        pump,
        calls(("propose_approval_rule", {"operation": "remove", "rule_id": "critical-cases", "reason": "too slow"})),
        AIMessage("It is gone."),
    ]
    async with open_world(settings, model=script(*lines), limits=PATIENT) as world:
        thread = await world.open_thread(DEVI)
        values = await world.say(DEVI, thread, "plan an approval rule for the approval policy")
        plan = tool_results(values)[-1]["result"]
        assert (plan["policy_version"], plan["past_requests_tried"]) == (0, None), "not hers to look at"
        seen = await world.say(ADMIN, await world.open_thread(ADMIN), "plan an approval rule for the approval policy")
        assert tool_results(seen)[-1]["result"]["past_requests_tried"] == 0

        [request] = held(await world.say(DEVI, thread, "propose the approval rule for the approval policy"))
        assert request["rule"]["permission"] == "approve_writes manage_policy"
        assert (await world.decide(DEVI, request, "approve")).status_code == 403
        assert (await world.decide(MARA, request, "approve")).status_code in (403, 404), "approves, but not the policy"
        decided = (await world.decide(ADMIN, request, "approve")).json()["approval"]
        assert decided["status"] == "applied", decided
        policy = await world.get(ADMIN, "/admin/policy")
        assert policy["version"] == 1
        assert policy["rules"] == [
            {
                "id": "critical-cases",
                "reason": "two people look at cases",
                "when": {"objects": ["Case"], "operations": ["create"]},
                "then": {"votes": 2},
            }
        ]
        again = await world.say(DEVI, thread, "propose the approval rule for the approval policy again")
        assert "there is an approval rule 'critical-cases' already" in tool_results(again)[-1]["error"]["message"]

        [case] = held(await world.say(SAM, await world.open_thread(SAM), "create a case about the pump"))
        assert case["rule"]["votes"] == 2

        [entry] = [one for one in await world.get(ADMIN, "/ledger") if one["tool"] == "propose_approval_rule"]
        preview = await world.post(ADMIN, "/ledger/undo/preview", {"entry_id": entry["entry_id"]})
        assert preview["entries"][0]["way"] in ("asks", "refused")
        [request] = held(await world.say(DEVI, thread, "remove the approval rule from the approval policy"))
        assert (await world.decide(ADMIN, request, "approve")).json()["approval"]["status"] == "applied"
        assert (await world.get(ADMIN, "/admin/policy"))["rules"] == []
