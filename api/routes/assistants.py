"""The assistants there are, where clients look for them."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from api.callers import PrincipalOf, ServiceOf
from api.errors import InputError, UnknownAssistantError, problems
from api.wire import (
    AssistantSearch,
    AssistantVersionWire,
    AssistantWire,
    LatestBody,
    RunContextBody,
    VersionSearch,
    assistant_wire,
    version_wires,
)
from api.wiring import Service
from graphs.assistants import Assistant
from trust.principal import Principal

router = APIRouter(tags=["assistants"])

_MESSAGE = {"type": "object", "properties": {"type": {"const": "human"}, "content": {"type": "string"}}}
_MESSAGES: dict[str, Any] = {"type": "object", "properties": {"messages": {"type": "array", "items": _MESSAGE}}}


@router.post("/assistants/search", responses=problems())
async def search_assistants(body: AssistantSearch, principal: PrincipalOf, service: ServiceOf) -> list[AssistantWire]:
    """The assistants that the caller may start, by name."""
    found = _find(body, principal, service)
    return [assistant_wire(one) for one in found[body.offset : body.offset + body.limit]]


@router.post("/assistants/count", responses=problems())
async def count_assistants(body: AssistantSearch, principal: PrincipalOf, service: ServiceOf) -> int:
    """How many there are of the kind."""
    return len(_find(body, principal, service))


def _find(body: AssistantSearch, principal: Principal, service: Service) -> list[Assistant]:
    known = service.runner.graphs.for_caller(is_customer=principal.is_customer)
    return [one for one in known if _matches(body, one)]


def _matches(body: AssistantSearch, assistant: Assistant) -> bool:
    found = assistant_wire(assistant)
    named = (body.graph_id in (None, found.graph_id)) and (body.name is None or body.name.lower() in found.name.lower())
    return named and all(found.metadata.get(key) == value for key, value in (body.metadata or {}).items())


@router.get("/assistants/{assistant}", responses=problems(404))
async def get_assistant(assistant: str, principal: PrincipalOf, service: ServiceOf) -> AssistantWire:
    """The assistant, by its id or by the name of its graph."""
    return assistant_wire(_get(assistant, principal, service))


@router.get("/assistants/{assistant}/schemas", responses=problems(404))
async def get_schemas(assistant: str, principal: PrincipalOf, service: ServiceOf) -> dict[str, Any]:
    """The shapes of what goes in and comes out, as JSON Schema."""
    found = _get(assistant, principal, service)
    return {
        "graph_id": found.name,
        "input_schema": _MESSAGES if found.input is None else found.input.model_json_schema(),
        "output_schema": _MESSAGES,
        "state_schema": _MESSAGES,
        "config_schema": {},
        "context_schema": RunContextBody.model_json_schema(),
    }


@router.get("/assistants/{assistant}/graph", responses=problems(404))
async def get_graph(assistant: str, principal: PrincipalOf, service: ServiceOf) -> dict[str, Any]:
    """The nodes and edges of the graph behind the assistant, for drawing.

    `data` of a workflow's step tells its `title`, its `tool`, and whether it `is_checkpoint`, where people are waited
    for (in the node `<step>_wait`); that of an edge tells when it is taken.
    """
    found = _get(assistant, principal, service)
    drawn = service.runner.graphs.versions_of(found.name).newest.get_graph()
    steps = {name: asdict(info) for name, info in found.steps.items()}
    return {
        "nodes": [
            {"id": node.id, "type": "runnable", "data": {"id": node.id, "name": node.name, **steps.get(node.id, {})}}
            for node in drawn.nodes.values()
        ],
        "edges": [
            {"source": e.source, "target": e.target, "conditional": e.conditional, "data": e.data} for e in drawn.edges
        ],
    }


@router.post("/assistants/{assistant}/versions", responses=problems(404))
async def list_versions(
    assistant: str, body: VersionSearch, principal: PrincipalOf, service: ServiceOf
) -> list[AssistantVersionWire]:
    """The versions of the assistant's graph, newest first. What waits goes on by the one that it began with."""
    found = version_wires(_get(assistant, principal, service))
    wanted = [one for one in found if all(one.metadata.get(k) == v for k, v in (body.metadata or {}).items())]
    return wanted[body.offset : body.offset + body.limit]


@router.post("/assistants/{assistant}/latest", responses=problems(404))
async def set_latest_version(
    assistant: str, body: LatestBody, principal: PrincipalOf, service: ServiceOf
) -> AssistantWire:
    """The assistant, if the version is the newest: which one new turns go by is settled by the build."""
    found = assistant_wire(_get(assistant, principal, service))
    if body.version != found.version:
        raise InputError("version", f"expected {found.version}: new turns go by the newest version of the build")
    return found


@router.get("/assistants/{assistant}/subgraphs", responses=problems(404))
async def list_subgraphs(assistant: str, principal: PrincipalOf, service: ServiceOf) -> dict[str, Any]:
    """The graphs inside the assistant's graph: there are none."""
    _get(assistant, principal, service)
    return {}


def _get(named: str, principal: Principal, service: Service) -> Assistant:
    """Raises: UnknownAssistantError."""
    found = service.runner.graphs.find(named, is_customer=principal.is_customer)
    if found is None:
        raise UnknownAssistantError("there is no such assistant that you may start")
    return found
