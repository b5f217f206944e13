"""Pictures of the console's screens for the docs, light and dark, wide and narrow: `python -m bench.screenshots`.

They are taken of the running service with its seeded tenants and the offline model, so that nothing on them is made up.
Needs a Chromium: `apt-get install chromium`, or one named in COUNTERSIGN_CHROMIUM.
"""

import argparse
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from api.app import build_app
from api.settings import Settings
from bench.databases import open_sqlite
from crm.database import DatabaseConfig
from evals.chaos.storm import given_settings

FOLDER = Path(__file__).parents[1] / "docs" / "screens"
SIZES = {"wide": (1280, 640), "narrow": (390, 844)}
SCHEMES = ("light", "dark")
DANA, MARA, SAM = "dana@northwind.example", "mara@northwind.example", "sam@northwind.example"
RENEWAL = "Acme Industries - Fabrication Line Renewal"
SAID = (
    (DANA, f"move the {RENEWAL} to Negotiation"),
    (DANA, f"set the next step of {RENEWAL} to call Ann on Monday"),
    (DANA, f"set the next step of {RENEWAL} to send the offer"),
    (DANA, "remind me to call Ann Poe next Tuesday"),
    (SAM, "draft an email to Ann Poe about case 00001005"),
    (SAM, "close case 00001005"),
)
"""What people have asked for before the pictures are taken."""


@dataclass(frozen=True)
class Shot:
    """One picture: whose, of which address, and what is done on the page before it is taken."""

    name: str
    who: str
    address: str
    arrange: Callable[[Page], Any]


def _open_first(page: Page) -> None:
    page.locator(".line").first.wait_for()
    page.keyboard.press("j")
    page.locator("cs-approval-card .decide").wait_for()


def _open_drafted(page: Page) -> None:
    page.locator(".line").filter(has_text="EmailMessage").first.click()
    page.locator("cs-approval-card .notice").wait_for()


def _choose_some(page: Page) -> None:
    boxes = page.locator(".line").filter(has_text="Next Step").get_by_role("checkbox")
    for place in range(2):
        boxes.nth(place).check()
    page.get_by_role("button", name="Decide together").click()
    page.locator("cs-approval-batch h2").wait_for()


def _wait_for_record(page: Page) -> None:
    page.get_by_role("heading", name="Timeline").wait_for()
    page.locator("cs-record [aria-busy=true]").first.wait_for(state="detached")


SHOTS = (
    Shot("approvals", MARA, "#/approvals", lambda page: page.locator(".line").first.wait_for()),
    Shot("approval", MARA, "#/approvals", _open_first),
    Shot("approval-outside", MARA, "#/approvals", _open_drafted),
    Shot("approval-batch", MARA, "#/approvals", _choose_some),
    Shot("record", MARA, "#/record/Account/001CS0000000001YAA?field=Phone", _wait_for_record),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Take pictures of the console.")
    parser.add_argument("names", nargs="*", help="only these; all if left out")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    shots = [one for one in SHOTS if not arguments.names or one.name in arguments.names]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with open_sqlite(0.1) as config, serving(config) as url, browsing() as browser:
        for who, text in SAID:
            _say(url, who, text)
        kept = {who: _sign_in(browser, url, who) for who in {one.who for one in shots}}
        for shot in shots:
            for scheme in SCHEMES:
                for size, (width, height) in SIZES.items():
                    path = arguments.folder / f"{shot.name}-{scheme}-{size}.png"
                    _take(browser, url, shot, kept[shot.who], path, scheme=scheme, width=width, height=height)
                    print(f"{path.name:<40}{path.stat().st_size / 1024:>7.0f} KB")


@contextmanager
def serving(config: DatabaseConfig) -> Iterator[str]:
    """The service behind a socket of this machine."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        app = build_app(Settings(**given_settings(config, folder)))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=20)


@contextmanager
def browsing() -> Iterator[Browser]:
    path = os.environ.get("COUNTERSIGN_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    options = ["--no-sandbox", "--disable-gpu"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


def _say(url: str, who: str, text: str) -> None:
    with httpx.Client(base_url=url, timeout=120) as client:
        token = client.post("/dev/login", json={"username": who}).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        thread = client.post("/threads", json={}).json()["thread_id"]
        ask = {"assistant_id": "countersign", "input": {"messages": [{"type": "human", "content": text}]}}
        client.post(f"/threads/{thread}/runs/wait", json=ask).raise_for_status()


def _sign_in(browser: Browser, url: str, who: str) -> Any:
    """What the browser keeps of somebody who has signed in."""
    context = browser.new_context()
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(f"{url}/console/")
    page.get_by_label("User name").fill(who)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Screens").wait_for()
    kept = context.storage_state()
    context.close()
    return kept


def _take(
    browser: Browser, url: str, shot: Shot, kept: Any, path: Path, *, scheme: Any, width: int, height: int
) -> None:
    size: Any = {"width": width, "height": height}
    context = browser.new_context(viewport=size, color_scheme=scheme, storage_state=kept, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(f"{url}/console/{shot.address}")
    shot.arrange(page)
    page.wait_for_timeout(300)
    page.screenshot(path=path)
    context.close()


if __name__ == "__main__":
    main()
