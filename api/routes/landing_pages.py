"""Landing pages of campaigns, as people who may see the campaign look at them before anybody else does."""

import base64
import hashlib
from html import escape
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse

from api.callers import ReaderOf, ServiceOf
from api.errors import problems
from trust.html import clean_page

router = APIRouter()

STYLE = (
    "body{font-family:system-ui,sans-serif;line-height:1.5;max-width:40rem;margin:2rem auto;padding:0 1rem}"
    "input:not([type=checkbox]){width:100%;padding:.4rem;box-sizing:border-box}button{padding:.6rem 1.2rem}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
PREVIEW_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
"""No script, no picture, no form that is sent: whatever got past the allow-list does nothing."""


@router.get(
    "/landing-pages/{record_id}",
    tags=["records"],
    response_class=HTMLResponse,
    responses=problems(403, 404),
)
async def preview_landing_page(
    record_id: Annotated[str, Path(pattern=r"^[A-Za-z0-9]{15,18}$")], principal: ReaderOf, service: ServiceOf
) -> HTMLResponse:
    """A saved landing page, cleaned by an allow-list. Its form is shown and goes nowhere."""
    async with service.database.session(principal.tenant) as session:
        crm = service.runner.desk.crm_for(session, principal, service.runner.clock())
        row = await crm.get("LandingPage__c", record_id, ["Name", "Html__c"])
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(row["Name"])}</title>'
        f"<style>{STYLE}</style></head><body>{clean_page(row['Html__c'])}</body></html>"
    )
    headers = {"Content-Security-Policy": PREVIEW_POLICY, "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    return HTMLResponse(page, headers=headers)
