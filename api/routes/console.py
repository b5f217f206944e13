"""The console: its files, for anybody. What it shows comes from the interface, for those who are signed in."""

from typing import Annotated

from fastapi import APIRouter, Header, Response

from api.console_files import POLICY, load_console
from api.errors import problem

router = APIRouter(include_in_schema=False)


@router.get("/")
async def go_to_console() -> Response:
    """A person who types in the service's name wants the console."""
    return Response(status_code=307, headers={"Location": "/console/"})


@router.get("/console")
async def go_to_console_page() -> Response:
    """The page's own addresses are relative to `/console/`."""
    return Response(status_code=307, headers={"Location": "/console/"})


@router.get("/console/{path:path}")
async def get_console_file(
    path: str,
    if_none_match: Annotated[str | None, Header(max_length=1_000)] = None,
    accept_encoding: Annotated[str, Header(max_length=1_000)] = "",
) -> Response:
    """A file of the console. Browsers ask each time whether it is still the same: an update is there at once."""
    file = load_console().get(path)
    if file is None:
        return problem(404, "not-found", "the console has no such file")
    is_packed = "gzip" in accept_encoding
    etag = f'"{file.etag}-gz"' if is_packed else f'"{file.etag}"'
    headers = {
        "Content-Security-Policy": POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-cache",
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    if if_none_match is not None and etag in (one.strip().removeprefix("W/") for one in if_none_match.split(",")):
        return Response(status_code=304, headers=headers)
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    return Response(file.packed if is_packed else file.body, media_type=file.media_type, headers=headers)
