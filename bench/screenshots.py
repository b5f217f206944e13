"""Pictures of the console's screens for the docs, light and dark, wide and narrow: `python -m bench.screenshots`.

They are taken of the running service with its seeded tenants and the offline model, so that nothing on them is made up.
Needs a Chromium: `apt-get install chromium`, or one named in COUNTERSIGN_CHROMIUM.
"""

import argparse
import io
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
import uvicorn
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from rich.console import Console

from api.app import build_app
from api.evaluations import EvaluationStore
from api.settings import Settings
from bench.databases import open_sqlite
from bench.shots import ADA, DANA, MARA, RENEWAL_ID, SAID, SAM, SHOTS, WRITTEN, Shot
from crm.database import DatabaseConfig
from evals.chaos.storm import given_settings
from evals.quality.command import run as evaluate
from evals.quality.thresholds import SHIPPED_THRESHOLDS

FOLDER = Path(__file__).parents[1] / "docs" / "screens"
PATIENCE_MS = 60_000
SIZES: dict[str, tuple[int, int]] = {"wide": (1280, 640), "narrow": (390, 844)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def main() -> None:
    parser = argparse.ArgumentParser(description="Take pictures of the console.")
    parser.add_argument("names", nargs="*", help="only these; all if left out")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    shots = [one for one in SHOTS if not arguments.names or one.name in arguments.names]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        open_sqlite(0.1) as config,
        serving(config, data) as url,
    ):
        named = _arrange(url)
        if any("{report}" in one.address for one in shots):
            named["report"] = _evaluate(Path(data))
        with browsing() as browser:
            _take_all(browser, shots, url, named, arguments.folder)


def _take_all(browser: Browser, shots: list[Shot], url: str, named: dict[str, str], folder: Path) -> None:
    kept = {who: sign_in(browser, url, who) for who in {one.who for one in shots} if who}
    for shot in shots:
        for scheme in SCHEMES:
            for size, (width, height) in SIZES.items():
                path = folder / f"{shot.name}-{scheme}-{size}.png"
                high = shot.height if size == "wide" and shot.height else height
                context = browser.new_context(
                    viewport={"width": width, "height": high},
                    color_scheme=scheme,
                    storage_state=kept.get(shot.who or ""),
                    reduced_motion="reduce",
                )
                _take(context, f"{url}/console/{shot.address.format(**named)}", shot, path)
                print(f"{path.name:<40}{path.stat().st_size / 1024:>7.0f} KB", flush=True)


@contextmanager
def serving(config: DatabaseConfig, folder: str) -> Iterator[str]:
    """The service behind a socket of this machine, its files in `folder`."""
    with socket.socket() as listener:
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
    options = ["--disable-lcd-text", *(["--no-sandbox", "--disable-gpu"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


class Caller:
    """A person at the interface."""

    def __init__(self, url: str, who: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=120)
        token = self("POST", "/dev/login", {"username": who})["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        response = self._client.request(method, path, json=body)
        response.raise_for_status()
        return response.json()

    def say(self, text: str, thread: str | None = None) -> str:
        thread = thread or str(self("POST", "/threads", {})["thread_id"])
        ask = {"assistant_id": "countersign", "input": {"messages": [{"type": "human", "content": text}]}}
        self("POST", f"/threads/{thread}/runs/wait", ask)
        return thread


def _arrange(url: str) -> dict[str, str]:
    """What there is to see: conversations by name, a write in the ledger, a workflow, a stopped agent."""
    callers = {who: Caller(url, who) for who in (ADA, DANA, MARA, SAM)}
    callers[DANA].say(WRITTEN)
    _approve_all(callers[MARA])
    threads = {name: callers[who].say(text) for name, (who, text) in SAID.items()}
    threads["workflow"] = str(callers[DANA]("POST", "/threads", {})["thread_id"])
    started = {"assistant_id": "opportunity_progress", "input": {"opportunity_id": RENEWAL_ID}}
    callers[DANA]("POST", f"/threads/{threads['workflow']}/runs/wait", started)
    callers[ADA]("PUT", "/admin/groups", {"groups": {"crm-sales": ["sales_rep"], "crm-service": ["service_agent"]}})
    robot = callers[ADA]("POST", "/admin/service-principals", {"name": "Nightly report"})
    key = {"name": "nightly report", "scopes": ["crm:read"], "days": 30, "acts_as": robot["id"]}
    callers[ADA]("POST", "/admin/api-keys", key)
    stop = {"scope": "agent", "name": "marketing", "state": "on", "reason": "Campaign budgets are being moved."}
    callers[ADA]("POST", "/admin/switches", stop)
    return threads


def _evaluate(folder: Path) -> str:
    """The id of the later of two kept runs of the offline model over a sample of the shipped cases."""
    for sample in (12, 24):
        evaluate(
            Console(file=io.StringIO()),
            suites=[],
            cases=[],
            model="offline",
            jobs=2,
            sample=sample,
            seed=0,
            thresholds=SHIPPED_THRESHOLDS,
            into_json=None,
            into_html=None,
            store=True,
            folder=folder,
            tenant=None,
        )
    return EvaluationStore(folder).list("northwind", limit=1)[0].report_id


def _approve_all(caller: Caller) -> None:
    for one in caller("GET", "/approvals?status=pending"):
        path = f"/approvals/{one['approval_id']}"
        caller("POST", f"{path}/decision", {"decision": "approve", "digest": one["digest"]})
        while caller("GET", path)["status"] == "approved":
            time.sleep(0.1)


def sign_in(browser: Browser, url: str, who: str) -> Any:
    """What the browser keeps of somebody who has signed in."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{url}/console/")
    page.get_by_label("User name").fill(who)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Screens").wait_for()
    kept = context.storage_state()
    context.close()
    return kept


def _take(context: BrowserContext, address: str, shot: Shot, path: Path) -> None:
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(address)
    shot.arrange(page)
    page.wait_for_timeout(300)
    picture = Image.open(io.BytesIO(page.screenshot()))
    # 256 colours are what these pages have, but for the smoothing of letters: a third of the size.
    picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    context.close()


if __name__ == "__main__":
    main()
