"""A real Chromium on the running service: one service and one browser context per module.

Without a Chromium these tests are left out, and the summary says so; `COUNTERSIGN_BROWSER=required` makes that a fault.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from crm.database import DatabaseConfig
from tests.browser.asking import Asking, Copilot
from tests.conftest import SqliteTemplates, seed_small
from tests.service import ADMIN, DANA, MARA, make_app, serve, settings_for

HOW = "no Chromium: `apt-get install chromium`, or name one in COUNTERSIGN_CHROMIUM"
PATIENCE_MS = 30_000
"""How long a page may take for what takes a moment; the tests' machine may be busy with others."""
T = TypeVar("T")

expect.set_options(timeout=PATIENCE_MS)


def find_chromium() -> str | None:
    return os.environ.get("COUNTERSIGN_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    ours = [item for item in items if item.path.is_relative_to(here)]
    for item in ours:  # a browser on a busy machine may miss what nobody would: once more, and the summary says so
        item.add_marker(pytest.mark.flaky(reruns=1))
    if not ours or find_chromium() is not None:
        return
    if os.environ.get("COUNTERSIGN_BROWSER") == "required":
        raise pytest.UsageError(HOW)
    config.stash[_LEFT_OUT] = len(ours)
    config.hook.pytest_deselected(items=ours)
    items[:] = [item for item in items if item not in ours]


_LEFT_OUT = pytest.StashKey[int]()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if find_chromium() is None:
        terminalreporter.write_line(f"browser tests were left out: {HOW}", yellow=True)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    options = ["--disable-features=PreloadTopChromeWebUI,SpareRendererForSitePerProcess"]  # pages that nobody looks at
    options += ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=find_chromium(), args=options)
        yield opened
        opened.close()


@dataclass
class Site:
    """The running service with its console, and the interface to arrange things by."""

    url: str
    _tokens: dict[str, str] = field(default_factory=dict)

    def token(self, who: str) -> str:
        if who not in self._tokens:
            response = httpx.post(f"{self.url}/dev/login", json={"username": who})
            assert response.status_code == 200, response.text
            self._tokens[who] = response.json()["access_token"]
        return self._tokens[who]

    def call(self, who: str, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token(who)}"}
        response = httpx.request(method, f"{self.url}{path}", headers=headers, timeout=30, **options)
        assert response.status_code < 300, response.text
        return response.json() if response.content else None

    def say(self, who: str, text: str, thread: str | None = None) -> tuple[str, Any]:
        """The conversation's id and its values after a turn."""
        thread = thread or self.call(who, "POST", "/threads", json={})["thread_id"]
        body = {"assistant_id": "countersign", "input": {"messages": [{"type": "human", "content": text}]}}
        return thread, self.call(who, "POST", f"/threads/{thread}/runs/wait", json=body)


@contextmanager
def open_site(config: DatabaseConfig, folder: Path, **parts: Any) -> Iterator[Site]:
    with serve(make_app(settings_for(config, folder), **parts)) as url:
        yield Site(url)


@pytest.fixture(scope="module")
def database_config(sqlite_templates: SqliteTemplates) -> Iterator[DatabaseConfig]:
    """One database for all tests of a module."""
    sqlite_templates.build("seeded", seed_small)
    with sqlite_templates.copied("seeded") as config:
        yield config


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's service keeps its files."""
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def asking(database_config: DatabaseConfig, folder: Path) -> Iterator[Asking]:
    copilot = Copilot()
    with open_site(database_config, folder, model_for=lambda tenant: copilot) as opened:
        yield Asking(opened, copilot)


@pytest.fixture(scope="module")
def site(asking: Asking) -> Site:
    return asking.site


@dataclass
class Watch:
    """What a page did that nobody asked for: faults of its scripts and its policy, requests that left the service."""

    origin: str
    faults: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._note)
        page.on("request", self._look)

    def _note(self, message: ConsoleMessage) -> None:
        # A refused request is the service's answer and shown by the page; the browser lists it as an error besides.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(message.text)

    def _look(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "data:", f"blob:{self.origin}")):
            self.strays.append(request.url)


@contextmanager
def open_page(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A page of a fresh context that must not do anything unasked."""
    context: BrowserContext = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    watch = Watch(url)
    watch.attach(page)
    try:
        yield page
        assert watch.faults == []
        assert watch.strays == []
    finally:
        context.close()


def sign_in(page: Page, url: str, who: str = DANA, *, to: str = "#/chat") -> None:
    page.goto(f"{url}/console/{to}")
    page.get_by_label("User name").fill(who)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Screens").wait_for()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, site: Site) -> Callable[[str], Any]:
    """What a browser keeps of a person who has signed in; each person signs in once per module."""
    kept: dict[str, Any] = {}

    def find(who: str) -> Any:
        if who not in kept:
            with open_page(browser, site.url) as page:
                sign_in(page, site.url, who)
                kept[who] = page.context.storage_state()
        return kept[who]

    return find


@pytest.fixture
def page(browser: Browser, site: Site, signed_in: Callable[[str], Any]) -> Iterator[Page]:
    """Dana, signed in, at the chat."""
    with open_page(browser, site.url, storage_state=signed_in(DANA)) as opened:
        opened.goto(f"{site.url}/console/")
        opened.get_by_role("navigation", name="Screens").wait_for()
        yield opened


@pytest.fixture
def ada(browser: Browser, site: Site, signed_in: Callable[[str], Any]) -> Iterator[Page]:
    """An administrator, signed in; nothing is opened."""
    with open_page(browser, site.url, storage_state=signed_in(ADMIN)) as opened:
        yield opened


@pytest.fixture
def mara(browser: Browser, site: Site, signed_in: Callable[[str], Any]) -> Iterator[Page]:
    """Dana's manager, signed in; nothing is opened."""
    with open_page(browser, site.url, storage_state=signed_in(MARA)) as opened:
        yield opened


@pytest.fixture
def new_page(browser: Browser, site: Site) -> Iterator[Page]:
    """A page on which nobody is signed in, and nothing is opened."""
    with open_page(browser, site.url) as opened:
        yield opened


_STANDARDS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


SETTLED = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
    .then(() => Promise.allSettled(document.getAnimations()
        .filter((one) => Number.isFinite(one.effect.getComputedTiming().endTime)).map((one) => one.finished)))"""
"""Until what was asked for is painted and nothing moves: colours in between are nobody's fault."""


def find_axe_faults(page: Page, *, rules: Sequence[str] = ()) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA, or only by these rules, on the page as it is; its context has to bypass
    the policy."""
    page.evaluate(SETTLED)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    kind, values = ("rule", rules) if rules else ("tag", _STANDARDS)
    options = {"runOnly": {"type": kind, "values": list(values)}, "resultTypes": ["violations"]}
    found = page.evaluate("(options) => axe.run(document, options)", options)["violations"]
    return [f"{one['id']}: {one['help']} at {[node['target'] for node in one['nodes']][:5]}" for one in found]
