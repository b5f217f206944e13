"""Signing in to a service in development mode from a terminal."""

import httpx

from api._terminal import CommandError


async def log_in(url: str, username: str) -> str:
    """A token for a seeded person of a service in development mode. Raises: CommandError."""
    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        try:
            response = await client.post("/dev/login", json={"username": username})
        except httpx.TransportError as error:
            raise CommandError(f"no service answers at {url}: start one with `countersign demo`") from error
    if response.status_code == httpx.codes.NOT_FOUND:
        raise CommandError("the service has no development login; pass a token in COUNTERSIGN_TOKEN")
    if response.is_error:
        raise CommandError(response.json().get("detail", response.text))
    token: str = response.json()["access_token"]
    return token
