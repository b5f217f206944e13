"""How runs end that do not simply succeed: in time, given up, cut off by the database, taken over while asleep."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from sqlalchemy.exc import OperationalError

from agents._scripted import ScriptedModel
from api.settings import Settings
from crm.ids import TenantId
from crm.repositories import runs
from crm.work import Run
from graphs import _calls
from graphs.conversations import Ask
from graphs.lease import LeaseLostError, holding, require_lease
from graphs.runner import MAX_ATTEMPTS
from tests.graphs.test_turn import look, update
from tests.service import ADMIN, DANA, ELI, OTHER_DANA, World, calls, held, last_answer, message, open_world, script

NORTHWIND = TenantId("northwind")  # tenant-id: a test looks into the tenant that it asks through
DONE = AIMessage("Done.")


def cut_off() -> OperationalError:
    return OperationalError("SELECT 1", None, Exception("server closed the connection"))


class TestReads:
    async def test_a_read_that_the_database_cut_off_is_tried_again(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, failures = _calls.label_results, [cut_off(), cut_off()]

        async def hiccup(*given: Any) -> Any:
            if failures:
                raise failures.pop()
            return await real(*given)

        monkeypatch.setattr(_calls, "label_results", hiccup)
        async with open_world(settings, model=script(calls(look()), DONE)) as world:
            values = await world.say(DANA, await world.open_thread(DANA), "look at the opportunity")
        assert not failures
        assert last_answer(values).strip() == "Done."

    async def test_a_run_whose_database_is_gone_for_longer_is_taken_up_again(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, failures = _calls.label_results, [cut_off() for _ in range(4)]

        async def outage(*given: Any) -> Any:
            if failures:
                raise failures.pop()
            return await real(*given)

        monkeypatch.setattr(_calls, "label_results", outage)
        model = script(calls(look()), calls(look()), DONE)
        async with open_world(settings, model=model, lease=timedelta(seconds=1)) as world:
            values = await world.say(DANA, await world.open_thread(DANA), "look at the opportunity")
        assert last_answer(values).strip() == "Done."


class Slow(ScriptedModel):
    """Takes its time."""

    async def _agenerate(self, *given: Any, **more: Any) -> Any:
        await asyncio.sleep(30)

    async def _astream(self, *given: Any, **more: Any) -> Any:
        await asyncio.sleep(30)
        yield


async def test_a_run_ends_within_its_time(settings: Settings) -> None:
    quick = settings.model_copy(update={"run_timeout_s": 0.5})
    async with open_world(quick, model=Slow(lines=[])) as world:
        thread = await world.open_thread(DANA)
        values = await world.say(DANA, thread, "look at the opportunity")
        assert values["__error__"]["error"] == "Timeout"
        [run] = await world.get(DANA, f"/threads/{thread}/runs")
        assert run["status"] == "timeout"
        assert (await world.get(DANA, f"/threads/{thread}"))["status"] == "error"


async def _poison(world: World, text: str) -> Run:
    """A run that as many processes died over as are let."""
    _, dana = await world.service.authenticator.login_for_development(DANA, None)
    conversations = world.service.conversations
    thread = await conversations.create_thread(dana, None, {})
    async with world.service.database.session(NORTHWIND, write=True) as session:
        run = await conversations.open_for(session, dana.id, dana.scopes, Ask(text))
        assert run.thread_id != thread.thread_id
        run.attempt = MAX_ATTEMPTS
    await conversations.runner.enqueue(NORTHWIND, run)
    async for _ in conversations.runner.follow(NORTHWIND, run.run_id):
        pass
    return run


class TestParking:
    async def test_what_several_processes_died_over_is_parked_with_its_reason(self, settings: Settings) -> None:
        async with open_world(settings, model=script(DONE)) as world:
            run = await _poison(world, "look at the opportunity")
            [parked] = await world.get(ADMIN, "/admin/runs/parked")
            assert parked["run_id"] == run.run_id
            assert parked["attempts"] == MAX_ATTEMPTS + 1
            assert "given up after 10 attempts" in parked["reason"]
            thread = await world.get(DANA, f"/threads/{run.thread_id}")
            assert (thread["status"], "given up" in thread["error"]) == ("error", True)

    async def test_an_operator_lets_it_try_again(self, settings: Settings) -> None:
        async with open_world(settings, model=script(DONE)) as world:
            run = await _poison(world, "look at the opportunity")
            again = await world.post(ADMIN, f"/admin/runs/{run.run_id}/retry", {})
            assert again["status"] == "pending"
            await world.get(DANA, f"/threads/{run.thread_id}/runs/{run.run_id}/join")
            assert await world.get(ADMIN, "/admin/runs/parked") == []
            assert (await world.get(DANA, f"/threads/{run.thread_id}"))["status"] == "idle"
            [told] = await world.get(ADMIN, "/audit", params={"subject": run.run_id, "kind": "run.retried"})
            assert told["kind"] == "run.retried"

    async def test_only_an_admin_of_the_tenant_sees_and_retries_them(self, settings: Settings) -> None:
        async with open_world(settings, model=script(DONE)) as world:
            run = await _poison(world, "look at the opportunity")
            for who in (DANA, ELI):
                for method, path in (("GET", "parked"), ("GET", "waiting"), ("POST", f"{run.run_id}/retry")):
                    assert (await world.call(who, method, f"/admin/runs/{path}")).status_code == 403
            other = ADMIN.replace("northwind", "southridge")
            assert await world.get(other, "/admin/runs/parked") == []
            assert (await world.call(other, "POST", f"/admin/runs/{run.run_id}/retry")).status_code == 404

    async def test_a_run_that_was_not_given_up_is_not_retried(self, settings: Settings) -> None:
        async with open_world(settings, model=script(DONE)) as world:
            thread = await world.open_thread(DANA)
            await world.say(DANA, thread, "look at the opportunity")
            [run] = await world.get(DANA, f"/threads/{thread}/runs")
            assert (await world.call(ADMIN, "POST", f"/admin/runs/{run['run_id']}/retry")).status_code == 404


class TestLeases:
    async def test_who_lost_the_lease_writes_nothing_more(self, settings: Settings) -> None:
        """The process was stopped for longer than its lease, and comes back in the middle of the turn."""
        async with open_world(settings, model=script(calls(update(NextStep="Call Ann")), DONE)) as world:
            runner = world.service.runner
            thread = await world.open_thread(DANA)
            desk_guard = type(runner.desk).guard
            stolen: list[str] = []

            async def guard(desk: Any, state: Any, context: Any) -> Any:
                async with world.service.database.session(NORTHWIND, write=True) as session:
                    run = await runs.find(session, context.run_id)
                    assert run is not None
                    run.lease_owner = "another process"
                    stolen.append(run.run_id)
                return await desk_guard(desk, state, context)

            runner.desk.__class__.guard = guard
            try:
                body = message("change the deal")
                run = await world.post(DANA, f"/threads/{thread}/runs", body)
                async with asyncio.timeout(20):
                    while True:
                        await asyncio.sleep(0.05)
                        if stolen and not runner._workers:
                            break
            finally:
                runner.desk.__class__.guard = desk_guard
            assert await world.get(DANA, "/approvals") == []
            assert (await world.get(DANA, f"/threads/{thread}/runs/{run['run_id']}"))["status"] == "running"
            assert (await world.get(DANA, f"/threads/{thread}/state"))["values"] == {}

    async def test_the_lease_is_asked_for_in_the_writing_transaction(self, settings: Settings) -> None:
        async with open_world(settings, model=script(calls(update(NextStep="Call Ann")), DONE)) as world:
            thread = await world.open_thread(DANA)
            assert held(await world.say(DANA, thread, "change the deal"))
            [run] = await world.get(DANA, f"/threads/{thread}/runs")
            async with world.service.database.session(NORTHWIND, write=True) as session:
                await require_lease(session)  # outside of a run nobody is asked
                with holding(run["run_id"], world.service.runner.executor), pytest.raises(LeaseLostError):
                    await require_lease(session)  # the run is done: nobody has a lease on it


async def test_a_turn_begins_where_there_is_room(settings: Settings) -> None:
    narrow = settings.model_copy(update={"turns_at_once": 1, "tenant_turns_at_once": 1})
    async with open_world(narrow, model=script(DONE, DONE, DONE)) as world:
        threads = [await world.open_thread(DANA) for _ in range(3)]
        told = await asyncio.gather(*(world.say(DANA, thread, "look at the opportunity") for thread in threads))
        assert [last_answer(values).strip() for values in told] == ["Done."] * 3


async def test_a_tenant_with_too_many_unfinished_runs_is_told_to_wait(settings: Settings) -> None:
    few = settings.model_copy(update={"max_waiting_runs": 1, "run_timeout_s": 3})
    async with open_world(few, model=Slow(lines=[])) as world:
        first, second = await world.open_thread(DANA), await world.open_thread(DANA)
        await world.post(DANA, f"/threads/{first}/runs", message("look at the opportunity"))
        refused = await world.call(DANA, "POST", f"/threads/{second}/runs", json=message("look at the opportunity"))
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        elsewhere = await world.open_thread(OTHER_DANA)
        accepted = await world.call(
            OTHER_DANA, "POST", f"/threads/{elsewhere}/runs", json=message("look at the opportunity")
        )
        assert accepted.status_code == 200
