"""Charts of answers as pictures, for those who may read the conversation."""

import json
import uuid
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.callers import ReaderOf, ServiceOf
from api.charts import ChartNotFoundError, Picture, Theme
from api.errors import problems
from tools._catalogue import load_catalogue

router = APIRouter(tags=["metrics"])

_MEDIA: dict[Picture, str] = {"svg": "image/svg+xml", "png": "image/png"}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@router.get(
    "/threads/{thread_id}/charts/{call_id}.{picture}",
    responses={**problems(403, 404, 503), 200: {"content": {kind: {} for kind in _MEDIA.values()}}},
    response_class=Response,
)
async def get_chart(
    thread_id: uuid.UUID,
    call_id: Annotated[str, Path(max_length=200)],
    picture: Picture,
    principal: ReaderOf,
    service: ServiceOf,
    theme: Annotated[Theme, Query()] = "light",
    width: Annotated[int | None, Query(ge=200, le=2_000, description="Of the picture, so that it fits a page.")] = None,
) -> Response:
    """The chart of a tool's answer, by the id of the call (`tool_call_id` of the answer's message)."""
    state = await service.conversations.get_state(principal, str(thread_id))
    drawn = await service.charts.draw(_find_spec(state["values"], call_id), picture, theme, width)
    return picture_response(drawn, picture)


def picture_response(drawn: bytes, picture: Picture) -> Response:
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "private, max-age=300"}
    return Response(drawn, media_type=_MEDIA[picture], headers=headers)


def _find_spec(values: Mapping[str, Any], call_id: str) -> dict[str, Any]:
    """What a tool of this service made; what a foreign tool calls a chart is not drawn. Raises: ChartNotFoundError."""
    for message in values.get("messages", ()):
        if message.get("type") == "tool" and message.get("tool_call_id") == call_id:
            tool = load_catalogue().get(message.get("name") or "")
            envelope = json.loads(message["content"])
            is_ours = tool is not None and not tool.is_foreign and envelope.get("ok")
            spec = envelope["result"].get("chart") if is_ours else None
            if isinstance(spec, dict):
                return spec
    raise ChartNotFoundError
