"""What a turn costs over the floor: the same model, tool and checkpointer in a bare LangGraph loop.

Both sides answer one message with one tool call: two model answers, one look-up of an account by name. The model is
instant, so that everything measured is overhead. Rounds of both sides are interleaved, and medians are compared.
"""

import asyncio
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.graph import END, START, StateGraph

from api.settings import Settings
from api.wiring import Service, open_service
from crm.database import DatabaseConfig
from graphs.checkpoints import acting_for, checkpoint_thread_id
from graphs.conversations import Ask
from graphs.messages import answered, human, to_model, tool_answer
from graphs.state import Message, append_messages
from tools._catalogue import load_catalogue
from tools._declare import ToolContext
from trust.principal import Principal

QUESTION = "look up the account Acme Industries"
USER = "dana@northwind.example"


class FloorState(TypedDict):
    """Messages as JSON, which is what the service's saver takes."""

    messages: Annotated[list[Message], append_messages]


class InstantModel(BaseChatModel):
    """Calls lookup_account once per question, and then answers."""

    @property
    def _llm_type(self) -> str:
        return "instant"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kw: Any
    ) -> ChatResult:
        if isinstance(messages[-1], ToolMessage):
            answer = AIMessage("Acme Industries is there.")
        else:
            call = {"name": "lookup_account", "args": {"name": "Acme Industries"}, "id": uuid.uuid4().hex}
            answer = AIMessage("", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=answer)])


@dataclass(frozen=True)
class Figures:
    """Milliseconds per turn, and how many times the floor the service takes."""

    name: str
    floor_ms: float
    service_ms: float

    @property
    def ratio(self) -> float:
        return self.service_ms / self.floor_ms


def settings_for(config: DatabaseConfig, folder: Path) -> Settings:
    """A service in development on a database that is measured."""
    return Settings(
        mode="development",
        dev_login=True,
        data_dir=folder,
        database_url=config.url,
        context_key=None if config.context_key is None else config.context_key.decode(),
    )


async def measure(name: str, config: DatabaseConfig, folder: Path, *, rounds: int, concurrency: int) -> Figures:
    async with open_service(settings_for(config, folder), model_for=lambda tenant: InstantModel()) as service:
        _, principal = await service.authenticator.login_for_development(USER, None)
        floor_turn = build_floor(service, principal)
        for turn in (floor_turn, lambda: service_turn(service, principal)):
            await _round(turn, 4)
        floor, ours = [], []
        for _ in range(rounds):
            floor.append(await _round(floor_turn, concurrency))
            ours.append(await _round(lambda: service_turn(service, principal), concurrency))
    return Figures(f"{name}, {concurrency} at once", statistics.median(floor), statistics.median(ours))


async def _round(turn: Callable[[], Awaitable[None]], concurrency: int) -> float:
    """Milliseconds per turn when `concurrency` run at once."""
    started = time.perf_counter()
    await asyncio.gather(*(turn() for _ in range(concurrency)))
    return (time.perf_counter() - started) * 1000 / concurrency


async def service_turn(service: Service, principal: Principal, *, in_background: bool = False) -> None:
    """A turn as a caller has it: accepted, worked on, its events followed to the end."""
    thread = await service.conversations.create_thread(principal, None, {})
    run = await service.conversations.ask(principal, thread.thread_id, Ask(QUESTION, in_background=in_background))
    events = [event async for event in service.runner.follow(principal.tenant, run.run_id)]
    if not events or events[-1].data.get("status") != "success":
        raise RuntimeError(f"the turn did not succeed: {events[-2:]}")


def build_floor(service: Service, principal: Principal) -> Callable[[], Awaitable[None]]:
    """A bare loop: no guards, no run rows, no events, no audit; the same saver and the same look-up."""
    model = InstantModel()
    lookup = load_catalogue()["lookup_account"]

    async def agent(state: FloorState) -> dict[str, Any]:
        return {"messages": [answered(await model.ainvoke(to_model(state["messages"])), "floor")]}

    async def act(state: FloorState) -> dict[str, Any]:
        answers = []
        now = service.runner.clock()
        for call in state["messages"][-1]["tool_calls"]:
            async with service.database.session(principal.tenant) as session:
                crm = service.runner.desk.crm_for(session, principal, now)
                context = ToolContext(crm, principal.id, now, now.date())
                result: Any = await lookup.function(context, lookup.validate(call["args"]))
            answers.append(tool_answer(call["id"], call["name"], result.model_dump(mode="json")))
        return {"messages": answers}

    def more(state: FloorState) -> str:
        return "act" if state["messages"][-1]["tool_calls"] else END

    graph = StateGraph(FloorState)
    graph.add_node("agent", agent)
    graph.add_node("act", act)
    graph.add_edge(START, "agent")
    graph.add_conditional_edges("agent", more)
    graph.add_edge("act", "agent")
    compiled = graph.compile(checkpointer=service.runner.saver)

    async def turn() -> None:
        key = checkpoint_thread_id(principal.tenant, str(uuid.uuid4()))
        with acting_for(principal.tenant):
            await compiled.ainvoke(
                {"messages": [human(QUESTION)]}, {"configurable": {"thread_id": key}}, durability="exit"
            )

    return turn
