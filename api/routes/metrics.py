"""Figures for Prometheus. Closed to the world: who scrapes has a token of the operator's, which opens nothing else."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from api.auth import AuthError
from api.callers import ServiceOf
from api.errors import problems
from api.telemetry.metrics import CONTENT_TYPE

router = APIRouter(tags=["service"])

_bearer = HTTPBearer(auto_error=False, scheme_name="MetricsToken", description="The operator's token for scraping.")


@router.get(
    "/metrics",
    responses={**problems(), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    response_class=Response,
)
async def get_metrics(
    service: ServiceOf, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Response:
    """What the process has counted, and what waits in the database; in the text format of Prometheus."""
    given = b"" if bearer is None else bearer.credentials.encode()
    expected = service.settings.scraping_token()
    if expected is None or not hmac.compare_digest(given, expected):
        raise AuthError("send the operator's token for metrics: Authorization: Bearer <token>")
    await service.telemetry.gauges.refresh()
    return Response(service.telemetry.metrics.expose(), media_type=CONTENT_TYPE)
