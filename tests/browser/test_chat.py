"""The chat in a browser: streaming, stopping, saying it again, sources, drafts, and text that stays text."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from crm.database import DatabaseConfig
from tests.browser.asking import restartable
from tests.browser.conftest import Site, open_page, open_site, sign_in
from tests.browser.proxy import round_robin
from tests.browser.storyteller import SAY, Storyteller, run_service, sentences
from tests.conftest import PostgresTemplates, seed_small
from tests.processes import running_service
from tests.service import make_app, settings_for

CASES = "show the open cases of Acme Industries"
STORY = "tell a story about the cases"
SAGA = "tell a saga about the cases"
HOSTILE = (
    "<script>window.ran=1</script> <img src=x onerror='window.ran=1'> ![p](https://collector.example/p.png) "
    "[read](javascript:window.ran=1) <iframe src='https://collector.example/'></iframe> "
    "<style>body{display:none}</style> see \u202eevil\u202c \u200b text"
)


@pytest.fixture(scope="module")
def site(database_config: DatabaseConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    model = Storyteller()
    with open_site(database_config, tmp_path_factory.mktemp("chat"), model_for=lambda tenant: model) as opened:
        yield opened


def ask(page: Page, text: str) -> Locator:
    """The last turn of the conversation, which this begins."""
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")
    expect(page.locator(".turn .bubble").last).to_contain_text(text[:20])
    return page.locator(".turn").last


def finished(turn: Locator) -> Locator:
    expect(turn.locator(".thumbs").last).to_be_visible()
    return turn.locator(".answer-body").last


def begin_anew(page: Page) -> None:
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".welcome")).to_be_visible()


def test_an_answer_streams_and_can_be_stopped_asked_again_and_edited(page: Page) -> None:
    turn = ask(page, STORY)
    growing = turn.locator(".growing")
    expect(growing).to_contain_text("about alpha.")
    assert "oscar" not in growing.inner_text(), "it was there at once, and not piece by piece"
    told = finished(turn).inner_text()
    assert told.split() == "".join(sentences(10)).split()

    turn.get_by_role("button", name="Edit").click()
    words = turn.get_by_label("Your message")
    expect(words).to_be_focused()
    words.fill(SAGA)
    words.press("Enter")
    turn = page.locator(".turn").last
    expect(turn.locator(".growing")).to_contain_text("about bravo.")
    expect(page.locator(".turn")).to_have_count(1)
    page.get_by_role("button", name="Stop").click()
    expect(turn.locator(".turn-state")).to_contain_text("You stopped this.")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()

    turn.get_by_role("button", name="Try again").click()
    turn = page.locator(".turn").last
    expect(turn.locator(".growing")).to_contain_text("about alpha.")
    page.get_by_role("button", name="Stop").click()
    expect(turn.locator(".turn-state")).to_contain_text("You stopped this.")
    turn = ask(page, STORY)
    finished(turn)
    turn.get_by_role("button", name="Ask again").click()
    assert finished(page.locator(".turn").last).inner_text() == told
    expect(page.locator(".turn .bubble").filter(has_text="story")).to_have_count(1)


def test_sources_steps_suggestions_thumbs_and_what_the_model_saw(page: Page, site: Site) -> None:
    turn = ask(page, CASES)
    body = finished(turn)
    steps = turn.locator(".steps")
    expect(steps).to_contain_text("Service")
    expect(steps.locator(".step-chip").nth(1)).to_contain_text("Fetch cases")
    steps.locator("summary").click()
    expect(steps.locator(".steps-list")).to_contain_text("Route")
    expect(body.locator(".from-outside").first).to_contain_text("Gas detector")
    expect(turn.locator(".outside-note")).to_contain_text("External")
    number = body.get_by_role("link", name="00001006")
    assert str(number.get_attribute("href")).endswith("?field=CaseNumber")
    number.click()
    expect(page).to_have_url(f"{site.url}/console/{number.get_attribute('href')}")
    panel = page.get_by_role("complementary", name="Record")
    expect(panel.locator("[data-field=CaseNumber]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(body).to_be_visible()

    turn.get_by_role("button", name="Bad answer").click()
    turn.get_by_label("Reason").fill("no phone numbers")
    turn.get_by_role("button", name="Send reason").click()
    expect(turn.locator(".thumbs")).to_contain_text("no phone numbers")
    page.get_by_role("button", name="What the model saw").click()
    expect(page.locator(".masked.tool mark").first).to_contain_text("<<")
    expect(page.locator(".masked-view")).not_to_contain_text("Gas detector")
    page.get_by_role("button", name="What the model saw").click()
    page.reload()
    expect(page.locator(".thumbs")).to_contain_text("no phone numbers")
    suggestion = page.locator(".suggestion").first
    words = suggestion.inner_text()
    suggestion.click()
    expect(page.locator(".turn .bubble").last).to_have_text(words)
    finished(page.locator(".turn").last)


def test_conversations_are_found_renamed_and_opened_by_their_address(page: Page) -> None:
    finished(ask(page, f"{SAY}nothing but zebras."))
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Animals")
    page.keyboard.press("Enter")
    lines = page.get_by_role("navigation", name="Conversations").get_by_role("link")
    expect(lines.first).to_contain_text("Animals")
    address = page.url
    begin_anew(page)
    search = page.get_by_label("Search conversations")
    search.fill("zebras")
    expect(lines).to_have_count(1)
    expect(lines.first).to_contain_text("nothing but zebras")
    search.fill("no such words")
    expect(page.get_by_text("No conversation has these words.")).to_be_visible()
    search.fill("anim")
    lines.first.click()
    expect(page).to_have_url(address)
    expect(page.locator(".answer-body")).to_have_text("nothing but zebras.")


def test_a_draft_is_edited_saved_and_another_one_dismissed(page: Page) -> None:
    turn = ask(page, "draft an email to Ann Poe about case 00001005")
    held = turn.locator(".held")
    expect(held).to_contain_text("Draft, not saved yet")
    expect(held).to_contain_text("External")
    held.get_by_role("button", name="Edit").click()
    page.get_by_role("dialog").get_by_label("Subject").fill("About your certificates")
    page.get_by_role("button", name="Save changes").click()
    expect(held).to_contain_text("About your certificates")
    assert "#/approvals/" in str(held.get_by_role("link", name="Open in approvals").get_attribute("href"))
    held.get_by_role("button", name="Save draft").click()
    expect(turn.locator(".saved")).to_contain_text("Draft saved")
    turn.locator(".saved").get_by_role("button", name="Send").click()
    turn = page.locator(".turn").last
    expect(turn.locator(".held")).to_contain_text("Not sent yet")
    expect(turn.locator(".held")).to_contain_text("ann.poe@acme-industries.example")
    expect(turn.locator(".held").get_by_label("Text of the e-mail")).to_be_visible()
    turn.locator(".held").get_by_role("button", name="Dismiss").click()
    page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
    expect(turn.locator(".held")).to_have_count(0)


def test_a_chart_stands_with_its_table_and_how_it_was_computed(page: Page) -> None:
    turn = ask(page, "show the win rate per month of the last 4 quarters as a line")
    finished(turn)
    figure = turn.locator("figure")
    expect(figure.locator("img")).to_have_js_property("complete", True)
    assert figure.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    figure.get_by_text("Show the table").click()
    expect(figure.locator("tbody tr").first).to_be_visible()
    figure.get_by_text("How this was computed").click()
    expect(figure).to_contain_text("records were counted")


def test_hostile_text_in_an_answer_is_text(page: Page) -> None:
    turn = ask(page, SAY + HOSTILE)
    body = finished(turn)
    expect(turn.locator(".bubble")).to_contain_text("<script>window.ran=1</script>")
    assert body.locator("img, script, iframe, style, a").count() == 0
    expect(body).to_contain_text("see evil")
    assert page.evaluate("window.ran") is None
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_stream_goes_on_over_a_restart_of_the_service(
    browser: Browser, database_config: DatabaseConfig, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = settings_for(database_config, tmp_path_factory.mktemp("restart"))
    model = Storyteller(pause_s=0.25)
    with (
        restartable(lambda: make_app(settings, model_for=lambda tenant: model)) as served,
        open_page(browser, served.url) as page,
    ):
        sign_in(page, served.url)
        turn = ask(page, STORY)
        expect(turn.locator(".growing")).to_contain_text("about alpha.")
        served.stop()
        served.start()
        assert finished(turn).inner_text().split() == "".join(sentences(10)).split()
        expect(page.locator(".turn")).to_have_count(1)


def test_two_processes_behind_a_proxy_are_one(
    browser: Browser, postgresql_templates: PostgresTemplates, tmp_path_factory: pytest.TempPathFactory
) -> None:
    postgresql_templates.build("seeded", seed_small)
    served: list[str] = []
    with ExitStack() as stack:
        config = stack.enter_context(postgresql_templates.copied("seeded"))
        settings = settings_for(config, tmp_path_factory.mktemp("two"))
        addresses = [stack.enter_context(running_service(run_service, settings)) for _ in range(2)]
        url = stack.enter_context(round_robin(addresses, served))
        page = stack.enter_context(open_page(browser, url))
        sign_in(page, url)
        turn = ask(page, STORY)
        expect(turn.locator(".growing")).to_contain_text("about alpha.")
        page.reload()
        assert finished(page.locator(".turn").last).inner_text().split() == "".join(sentences(10)).split()
        held = ask(page, "draft an email to Ann Poe about case 00001005").locator(".held")
        held.get_by_role("button", name="Save draft").click()
        expect(page.locator(".saved")).to_contain_text("Draft saved")
    assert all(any(address in one for one in served) for address in addresses)
