"""Each place of the console with hostile text in it: it stays text, fetches nothing, fits, and axe finds nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from crm.database import DatabaseConfig
from tests.browser.asking import Asking
from tests.browser.conftest import PATIENCE_MS, Site, Watch, find_axe_faults
from tests.browser.places import PLACES, Place, World, fill

WIDTHS = {"wide": 1280, "narrow": 390}
BY_COLOUR = ("color-contrast",)
"""What the scheme of colours decides; the rest is the same in both."""
BY_WIDTH = ("target-size", "scrollable-region-focusable", "aria-hidden-focus")
LOOKS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("light", "wide", ()),
    ("dark", "narrow", BY_COLOUR + BY_WIDTH),
    ("dark", "wide", BY_COLOUR),
    ("light", "narrow", BY_COLOUR),
)
"""The first, and at every fourth place the second; with `--thorough` all four."""
HIDDEN = set("\u202e\u202c\u200b\u200d\u2066\ufeff\u00ad")
SHOWN = """() => ({
    text: document.body.innerText,
    given: [...document.querySelectorAll("input, textarea, option")]
        .map((one) => one.value + one.textContent).join(" "),
    made: [...document.querySelectorAll("script, img, iframe, style, object, embed, svg[onload], a")].filter((one) => {
        if (one.matches("head script")) return false;
        if (one.matches("img.chart")) return !one.getAttribute("src").startsWith("/threads/");
        return one.localName !== "a" || !/^[#/]/.test(one.getAttribute("href") ?? "#");
    }).map((one) => one.outerHTML.slice(0, 200)),
    ran: window.ran ?? null,
})"""
STICKING_OUT = """() => [document.documentElement, ...document.querySelectorAll("main, #panel, dialog[open]")]
    .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth)
    .map((one) => `${one.localName} is ${one.scrollWidth} px wide in ${one.clientWidth}`)"""


@pytest.fixture(scope="module")
def world(asking: Asking, database_config: DatabaseConfig, folder: Path) -> World:
    made = World(asking)
    fill(made, database_config, folder)
    return made


@dataclass
class Pages:
    """A page a person, on which nothing but the console itself keeps a text from being more than text."""

    browser: Browser
    url: str
    signed_in: Callable[[str], Any]
    opened: dict[str | None, tuple[Page, Watch]] = field(default_factory=dict)

    def open(self, who: str | None) -> tuple[Page, Watch]:
        if who not in self.opened:
            kept = None if who is None else self.signed_in(who)
            context = self.browser.new_context(bypass_csp=True, reduced_motion="reduce", storage_state=kept)
            context.set_default_timeout(PATIENCE_MS)
            watch = Watch(self.url)
            page = context.new_page()
            watch.attach(page)
            self.opened[who] = page, watch
        return self.opened[who]


@pytest.fixture(scope="module")
def pages(browser: Browser, site: Site, signed_in: Callable[[str], Any]) -> Iterator[Pages]:
    made = Pages(browser, site.url, signed_in)
    yield made
    for page, _ in made.opened.values():
        page.context.close()


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name.replace(" ", "-"))
def test_hostile_text_is_text_and_axe_finds_nothing(place: Place, pages: Pages, world: World, thorough: bool) -> None:
    page, watch = pages.open(place.who)
    look_at(page, "light", "wide")
    page.goto("about:blank")
    page.goto(f"{pages.url}/console/{place.address.format(**world.ids)}")
    place.arrange(page)
    expect(page.locator("main [aria-busy=true], #panel [aria-busy=true]")).to_have_count(0)
    shown = page.evaluate(SHOWN)
    faults = {}
    looks = LOOKS if thorough else LOOKS[: 2 if PLACES.index(place) % 4 == 1 else 1]
    for scheme, width, rules in looks:
        look_at(page, scheme, width)
        faults[scheme, width] = find_axe_faults(page, rules=rules) + page.evaluate(STICKING_OUT)
    assert {look: found for look, found in faults.items() if found} == {}
    assert ("window.ran=1" in shown["text"] + shown["given"]) or not place.shows, "there is nothing to fear here"
    assert not set(shown["text"]) & HIDDEN
    assert shown["made"] == []
    assert shown["ran"] is None
    assert (watch.faults, watch.strays) == ([], [])


def look_at(page: Page, scheme: Any, width: str) -> None:
    page.set_viewport_size({"width": WIDTHS[width], "height": 844})
    page.emulate_media(color_scheme=scheme)
