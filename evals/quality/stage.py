"""Plays a case: the whole service on a copy of the organisation, called through HTTP by the people of the case."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from api.app import build_app
from api.settings import Settings
from api.wiring import ModelFor, open_service
from crm.seed.people import username
from evals.attacks.outcome import Dump, dump_records
from evals.quality.cases import Approver, Case, Decision
from evals.quality.expecting import Expectation
from evals.quality.matching import fits
from evals.quality.org import Reader
from evals.quality.people import PlayedUser, approvers_for
from evals.quality.transcript import Called, Exchange, Held, Transcript

_SECRET = "known to nobody but the evaluation, and worth nothing"  # noqa: S105
_MOST_DECISIONS = 20
_BEGIN = clock_time(9)


@dataclass
class Workshop:
    """A folder with seeded databases to copy, and the application that one service after the other runs behind."""

    folder: Path
    model: str
    model_for: ModelFor | None = None
    """None: the model of that name. Given: whatever plays it, in tests."""
    tokens: dict[str, str] = field(default_factory=dict)
    _app: Any = None
    _before: dict[Path, Dump] = field(default_factory=dict)

    async def play(self, case: Case, template: Path, tenant: str) -> Transcript:
        """The case on a fresh copy of the template."""
        path = self.folder / "case.db"
        for left in self.folder.glob("case.db*"):
            left.unlink()
        await asyncio.to_thread(shutil.rmtree, self.folder / "heads", ignore_errors=True)
        await asyncio.to_thread(shutil.copyfile, template, path)
        if template not in self._before:
            self._before[template] = dump_records(path)
        async with self._service(path, case.day) as client:
            play = Play(client, case, tenant, self.tokens, Reader(path, tenant))
            exchanges = await play.run()
        return Transcript(
            exchanges=tuple(exchanges),
            before=self._before[template],
            after=dump_records(path),
            tenant=tenant,
            caller=play.who,
            user_ended=play.user_ended,
        )

    @asynccontextmanager
    async def _service(self, path: Path, today: date) -> AsyncIterator[httpx.AsyncClient]:
        settings = _settings(self.folder, path, self.model)
        self._app = self._app or build_app(settings)
        async with open_service(settings, model_for=self.model_for, clock=_clock(today)) as service:
            self._app.state.service = service
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://evaluation", timeout=300) as client:
                yield client


def _clock(today: date) -> Any:
    """Nine in the morning of the case's day, moving on by whole minutes, so that short cases see one instant only."""
    begin, started = datetime.combine(today, _BEGIN, UTC), time.monotonic()
    return lambda: begin + timedelta(minutes=int((time.monotonic() - started) / 60))


def _settings(folder: Path, path: Path, model: str) -> Settings:
    """Nothing leaves the machine but what the model is sent; its address and key come from the environment."""
    return Settings(
        mode="development",
        dev_login=True,
        data_dir=folder,
        audit_heads=folder / "heads",
        database_url=f"sqlite+aiosqlite:///{path}",
        secret_key=SecretStr(_SECRET),
        token_keys=None,
        model=model,
        fallback_model=None,
        mail_transport="directory",
        outbox_dir=None,
        notice_from=None,
        traces_endpoint=None,
    )


@dataclass
class Play:
    """One case in progress."""

    client: httpx.AsyncClient
    case: Case
    tenant: str
    tokens: dict[str, str]
    reader: Reader
    user_ended: str = ""
    _thread: str = ""
    _seen: int = 0
    _decided: int = 0
    _was_edited: bool = False

    @property
    def who(self) -> str:
        asker = self.case.asker
        return asker.contact or username(str(asker.key), self.tenant)

    async def run(self) -> list[Exchange]:
        self._thread = (await self._post(self.who, "/threads", {}))["thread_id"]
        history = [await self._exchange(words, Expectation(), is_history=True) for words in self.case.history]
        if self.case.user is not None:
            return history + await self._converse(PlayedUser(self.case.user))
        if self.case.say is not None:
            return [*history, await self._exchange(self.case.say, self.case.expect)]
        return history + [await self._exchange(turn.say, self._of_turn(turn.expect)) for turn in self.case.turns]

    def _of_turn(self, expect: Expectation) -> Expectation:
        """What is expected of a message, with the requests that are expected anywhere in the conversation."""
        return expect.model_copy(update={"approvals": (*expect.approvals, *self.case.expect.approvals)})

    async def _converse(self, user: PlayedUser) -> list[Exchange]:
        exchanges = []
        words: str | None = user.open()
        while words is not None:
            exchanges.append(await self._exchange(words, self.case.expect))
            if exchanges[-1].fault:
                break
            words = user.reply(exchanges[-1].answer)
        self.user_ended = user.ended
        return exchanges

    async def _exchange(self, words: str, expect: Expectation, *, is_history: bool = False) -> Exchange:
        context = {"today": str(self.case.day), "instructions": self.case.instructions}
        body = {
            "assistant_id": "countersign",
            "input": {"messages": [{"type": "human", "content": words}]},
            "context": {name: value for name, value in context.items() if value is not None},
            "multitask_strategy": "reject",
        }
        response = await self._send(self.who, "POST", f"/threads/{self._thread}/runs/wait", json=body)
        if response.is_error:
            return Exchange(words, "", (), (), (), _fault_of(response), is_history)
        values = response.json()
        held: list[Held] = []
        while len(held) < _MOST_DECISIONS and (waiting := _waiting_in(values)):
            held += [await self._decide(one, expect, approve_all=is_history) for one in waiting]
            state = await self._get(self.who, f"/threads/{self._thread}/state")
            values = state["values"] | {"__interrupt__": state["interrupts"]}
            if held[-1].status == "pending" and held[-1].decision != "edit":
                break
        return self._read(words, values, held, is_history)

    def _read(self, words: str, values: Any, held: list[Held], is_history: bool) -> Exchange:
        messages = values.get("messages", [])[self._seen :]
        self._seen = len(values.get("messages", []))
        route = values.get("route") or {}
        kind = route.get("kind") or ""
        spoken = [str(one["content"]) for one in messages if one["type"] == "ai" and str(one["content"]).strip()]
        fault = str(values["__error__"]) if values.get("__error__") else ""
        name = str(route.get("agent")) if kind == "agent" else str(kind)
        return Exchange(words, name, _calls_in(messages), tuple(held), tuple(spoken), fault, is_history)

    async def _decide(self, approval: Any, expect: Expectation, *, approve_all: bool) -> Held:
        changes = tuple(approval["card"]["changes"])
        is_foreseen = approve_all or self._was_edited  # what takes the place of an edited request is the approver's own
        is_expected = is_foreseen or any(
            approval["tool"] in one.tool and _touches(changes, one.object, self.reader.resolve(one.fields))
            for one in expect.approvals
        )
        decision = _decision_for(self.case.approver, self._decided, is_expected)
        self._decided += 1
        body, word = self._body(approval, decision)
        self._was_edited = word == "edit"
        caller = self.case.asker.key
        rule = approval["rule"]
        status, by = "pending", ""
        for key in approvers_for(caller, self_approval=rule["self_approval"], named=self.case.approver.employee):
            path = f"/approvals/{approval['approval_id']}/decision?wait=true"
            response = await self._send(username(key, self.tenant), "POST", path, json=body)
            if response.is_success:
                by, status = key, str(response.json()["approval"]["status"])
                if status != "pending" or word == "edit":
                    break
        return Held(approval["tool"], changes, word, by, status, is_expected)

    def _body(self, approval: Any, decision: Decision) -> tuple[dict[str, Any], str]:
        body: dict[str, Any] = {"digest": approval["digest"]}
        if decision.edit is not None:
            return body | {"decision": "edit", "arguments": self._edited(approval, decision.edit)}, "edit"
        if decision.reject is not None:
            return body | {"decision": "reject", "reason": decision.reject}, "reject"
        return body | {"decision": "approve"}, "approve"

    def _edited(self, approval: Any, edit: dict[str, Any]) -> dict[str, Any]:
        arguments = dict(approval.get("arguments") or {})
        for name, value in self.reader.resolve(edit).items():
            is_merged = isinstance(value, dict) and isinstance(arguments.get(name), dict)
            arguments[name] = arguments[name] | value if is_merged else value
        return arguments

    async def _get(self, who: str, path: str) -> Any:
        response = await self._send(who, "GET", path)
        response.raise_for_status()
        return response.json()

    async def _post(self, who: str, path: str, body: Any) -> Any:
        response = await self._send(who, "POST", path, json=body)
        response.raise_for_status()
        return response.json()

    async def _send(self, who: str, method: str, path: str, **options: Any) -> httpx.Response:
        key = f"{who} {self.tenant}"
        if key not in self.tokens:
            body = {"username": who, "tenant": self.tenant}
            response = await self.client.post("/dev/login", json=body)
            response.raise_for_status()
            self.tokens[key] = response.json()["access_token"]
        headers = {"Authorization": f"Bearer {self.tokens[key]}"}
        return await self.client.request(method, path, headers=headers, **options)


def _decision_for(approver: Approver, number: int, is_expected: bool) -> Decision:
    if approver.decisions:
        return approver.decisions[min(number, len(approver.decisions) - 1)]
    return Decision(approve=True) if is_expected else Decision(reject="nobody asked for this")


def _touches(changes: Sequence[Any], object_name: str | None, fields: dict[str, Any]) -> bool:
    """Whether the changes are of that object and bring those values, wherever they are among them."""
    theirs = [one for one in changes if object_name in (None, one["object"])]
    new = {one["field"]: one["new"] for change in theirs for one in change["fields"]}
    return bool(theirs) and fits(fields, new)


def _waiting_in(values: Any) -> list[Any]:
    return [
        dict(one) | {"arguments": action["args"]}
        for waiting in values.get("__interrupt__") or []
        for one, action in zip(waiting["value"]["approvals"], waiting["value"]["action_requests"], strict=True)
    ]


def _calls_in(messages: Sequence[Any]) -> tuple[Called, ...]:
    answers = {one["tool_call_id"]: one for one in messages if one["type"] == "tool"}
    calls = [call for one in messages if one["type"] == "ai" for call in one.get("tool_calls") or ()]
    return tuple(_called(call, answers.get(call["id"])) for call in calls)


def _called(call: Any, answer: Any) -> Called:
    if answer is None:
        return Called(call["name"], call["args"], None)
    envelope = json.loads(answer["content"])
    error = envelope.get("error") or {}
    return Called(
        call["name"],
        call["args"],
        bool(envelope.get("ok")),
        envelope.get("result"),
        str(error.get("kind", "")),
        str(error.get("message", "")),
    )


def _fault_of(response: httpx.Response) -> str:
    try:
        return f"{response.status_code}: {response.json().get('detail')}"
    except ValueError:
        return f"the service answered {response.status_code}"
