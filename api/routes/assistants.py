"""The one assistant there is, where clients look for it."""

from typing import Any

from fastapi import APIRouter
from langchain_core.runnables.graph import Graph

from api.callers import PrincipalOf, ServiceOf
from api.errors import UnknownAssistantError, problems
from api.wire import AssistantSearch, AssistantWire, RunContextBody, assistant_wire
from graphs.conversations import assistant_id
from graphs.turn import GRAPH_NAME

router = APIRouter(tags=["assistants"])


@router.post("/assistants/search", responses=problems())
async def search_assistants(body: AssistantSearch, principal: PrincipalOf) -> list[AssistantWire]:
    """The one assistant, unless it is not the one that is looked for."""
    return [assistant_wire()] if _matches(body) and body.offset == 0 else []


@router.post("/assistants/count", responses=problems())
async def count_assistants(body: AssistantSearch, principal: PrincipalOf) -> int:
    """One or none."""
    return int(_matches(body))


def _matches(body: AssistantSearch) -> bool:
    found = assistant_wire()
    named = (body.graph_id in (None, found.graph_id)) and (body.name is None or body.name.lower() in found.name.lower())
    return named and all(found.metadata.get(key) == value for key, value in (body.metadata or {}).items())


@router.get("/assistants/{assistant}", responses=problems(404))
async def get_assistant(assistant: str, principal: PrincipalOf) -> AssistantWire:
    """The assistant, by its id or by the name of its graph."""
    _require_known(assistant)
    return assistant_wire()


@router.get("/assistants/{assistant}/schemas", responses=problems(404))
async def get_schemas(assistant: str, principal: PrincipalOf) -> dict[str, Any]:
    """The shapes of what goes in and comes out, as JSON Schema."""
    _require_known(assistant)
    message = {"type": "object", "properties": {"type": {"const": "human"}, "content": {"type": "string"}}}
    messages = {"type": "object", "properties": {"messages": {"type": "array", "items": message}}}
    return {
        "graph_id": GRAPH_NAME,
        "input_schema": messages,
        "output_schema": messages,
        "state_schema": messages,
        "config_schema": {},
        "context_schema": RunContextBody.model_json_schema(),
    }


@router.get("/assistants/{assistant}/graph", responses=problems(404))
async def get_graph(assistant: str, principal: PrincipalOf, service: ServiceOf) -> dict[str, Any]:
    """The nodes and edges of the graph behind the assistant, for drawing."""
    _require_known(assistant)
    drawn: Graph = service.runner.graph.get_graph()
    return {
        "nodes": [
            {"id": node.id, "type": "runnable", "data": {"id": node.id, "name": node.name}}
            for node in drawn.nodes.values()
        ],
        "edges": [{"source": e.source, "target": e.target, "conditional": e.conditional} for e in drawn.edges],
    }


def _require_known(assistant: str) -> None:
    if assistant not in (GRAPH_NAME, assistant_id()):
        raise UnknownAssistantError(f"there is only the assistant {GRAPH_NAME!r}")
