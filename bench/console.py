"""What the console weighs and how soon it can be used with much in it: `python -m bench.console`.

Every figure stands beside that of an empty page of the same service, taken in turns in the same run.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page

from bench.databases import open_sqlite
from bench.inbox import fill
from bench.screenshots import Caller, browsing, serving, sign_in
from bench.shots import DANA, MARA, RENEWAL
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId

EMPTY = "/console/icon.svg"
ITEMS = 8
"""How many plain requests are decided by keyboard."""
LOOKED_AT_MS = 350
"""The console takes no key for a card that has only just come up."""
IN_SIGHT = """(before) => {
  const one = document.querySelector("cs-approval-card");
  const id = one?.card?.approval_id;
  return id && id !== before && one.shownFor > 0 && one.querySelector(".decide") ? id : null;
}"""
FRAMES = """async (place) => {
  const frames = [];
  let before = performance.now();
  for (let step = 1; step <= 60; step += 1) {
    place.scrollTop = (place.scrollHeight - place.clientHeight) * (step / 60);
    await new Promise((done) => requestAnimationFrame(done));
    const now = performance.now();
    frames.push(now - before);
    before = now;
  }
  return frames;
}"""


@dataclass
class Figures:
    """What was measured of one page over the rounds."""

    name: str
    ready_ms: list[float] = field(default_factory=list)
    bytes: int = 0
    requests: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the console.")
    parser.add_argument("--waiting", type=int, default=5_000)
    parser.add_argument("--messages", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as data,
        open_sqlite(0.1) as config,
        serving(config, data) as url,
        browsing() as browser,
    ):
        dana = Caller(url, DANA)
        dana.say(f"set the next step of {RENEWAL} to call Ann on Monday")
        for number in range(ITEMS):
            dana.say(f"remind me to call Ann Poe in {number + 2} days")
        thread = dana.say("hello")
        for _ in range(arguments.messages // 2 - 1):
            dana.say("hello", thread)
        like = Caller(url, MARA)("GET", "/approvals?status=pending&object=Opportunity")[0]["approval_id"]
        _run_apart(config, like, arguments.waiting)
        kept = {who: sign_in(browser, url, who) for who in (DANA, MARA)}
        pages: list[tuple[str, str | None, str, Callable[[Page], object]]] = [
            ("empty page", None, EMPTY, lambda page: page.locator("svg").wait_for()),
            ("chat", DANA, "/console/#/chat", lambda page: page.locator(".suggestion").first.wait_for()),
            (f"inbox, {arguments.waiting:,} waiting", MARA, "/console/#/approvals", _see_rows),
            (f"thread, {arguments.messages} messages", DANA, f"/console/#/chat/{thread}", _see_turns),
        ]
        found = [Figures(name) for name, *_ in pages]
        for _ in range(arguments.rounds):
            for figures, (_, who, path, ready) in zip(found, pages, strict=True):
                _open(browser, f"{url}{path}", kept.get(who or ""), ready, figures)
        _print(found)
        _scroll(browser, f"{url}/console/#/approvals", kept[MARA], ".virtual-list", _see_rows, "inbox")
        _scroll(browser, f"{url}/console/#/chat/{thread}", kept[DANA], ".scroller", _see_turns, "thread")
        _filter(browser, url, kept)
        _decide(browser, url, kept)


def _run_apart(config: DatabaseConfig, like: str, count: int) -> None:
    """In a thread of its own: the driver of the browser has a loop in this one."""

    async def work() -> None:
        database = Database(config)
        try:
            await fill(database, TenantId("northwind"), like, count)
        finally:
            await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    thread.join()


def _see_rows(page: Page) -> None:
    page.locator(".line").first.wait_for()


def _see_turns(page: Page) -> None:
    page.locator(".turn .thumbs").last.wait_for()


def _open(browser: Browser, address: str, kept: object, ready: Callable[[Page], object], into: Figures) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, storage_state=kept)  # type: ignore[arg-type]
    page = context.new_page()
    client = context.new_cdp_session(page)
    client.send("Network.enable")
    sizes: list[float] = []
    client.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(address)
    ready(page)
    into.ready_ms.append(page.evaluate("performance.now()"))
    page.wait_for_timeout(500)
    into.bytes, into.requests = int(sum(sizes)), len(sizes)
    context.close()


def _print(found: list[Figures]) -> None:
    floor = statistics.median(found[0].ready_ms)
    print(f"{'page':<28}{'requests':>9}{'KB':>8}{'usable ms':>11}{'ratio':>8}   load {os.getloadavg()[0]:.0f}")
    for one in found:
        ready = statistics.median(one.ready_ms)
        print(f"{one.name:<28}{one.requests:>9}{one.bytes / 1024:>8.1f}{ready:>11.0f}{ready / floor:>8.1f}")


def _scroll(
    browser: Browser, address: str, kept: object, place: str, ready: Callable[[Page], object], name: str
) -> None:
    """A scroll from end to end in 60 steps, and the same with nothing to scroll."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, storage_state=kept)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    ready(page)
    page.wait_for_timeout(1_000)
    frames = sorted(page.locator(place).last.evaluate(FRAMES))
    floor = sorted(page.locator("header.bar").evaluate(FRAMES))
    print(
        f"scroll the {name}: a frame takes {statistics.median(frames):.0f} ms, the slowest {frames[-1]:.0f}; "
        f"without scrolling {statistics.median(floor):.0f} and {floor[-1]:.0f}; "
        f"ratio {statistics.median(frames) / statistics.median(floor):.1f}"
    )
    context.close()


def _filter(browser: Browser, url: str, kept: dict[str, object]) -> None:
    """From the address of a filter to its first row."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, storage_state=kept[MARA])  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{url}/console/#/approvals")
    _see_rows(page)
    page.wait_for_timeout(1_000)
    before = page.evaluate("performance.now()")
    with page.expect_response(lambda response: "object=Opportunity" in response.url and "/approvals" in response.url):
        page.evaluate("window.location.hash = '#/approvals?object=Opportunity'")
    _see_rows(page)
    print(f"filter the inbox by kind of record: {page.evaluate('performance.now()') - before:.0f} ms")
    context.close()


def _decide(browser: Browser, url: str, kept: dict[str, object]) -> None:
    """Plain requests approved one after the other by one key each, as soon as the console takes it."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, storage_state=kept[MARA], bypass_csp=True)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{url}/console/#/approvals?object=Task")
    _see_rows(page)
    page.keyboard.press("j")
    shown = page.wait_for_function(IN_SIGHT, arg="").json_value()
    taken = []
    for _ in range(ITEMS - 1):
        page.wait_for_function(f"document.querySelector('cs-approval-card').shownFor > {LOOKED_AT_MS}")
        before = page.evaluate("performance.now()")
        page.keyboard.press("a")
        shown = page.wait_for_function(IN_SIGHT, arg=shown).json_value()
        taken.append(page.evaluate("performance.now()") - before)
    print(
        f"approve by keyboard: from the key to the next card {statistics.median(taken):.0f} ms, "
        f"the slowest {max(taken):.0f}; the console takes no key in a card's first {LOOKED_AT_MS} ms"
    )
    context.close()


if __name__ == "__main__":
    main()
