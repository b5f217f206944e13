"""The console's frame: signing in and out, addresses, themes, what the page may do at all."""

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site, sign_in
from tests.service import MARA


def test_a_person_signs_in_and_out_again(new_page: Page, site: Site) -> None:
    new_page.goto(f"{site.url}/")
    expect(new_page).to_have_url(f"{site.url}/console/")
    name = new_page.get_by_label("User name")
    expect(name).to_be_focused()
    name.fill("nobody@northwind.example")
    name.press("Enter")
    expect(new_page.get_by_role("alert")).to_have_text("There is nobody of this name.")
    name.fill(MARA)
    name.press("Enter")
    expect(new_page).to_have_url(f"{site.url}/console/#/chat")
    new_page.get_by_label("Signed in as").click()
    expect(new_page.locator(".menu")).to_contain_text("northwind")
    new_page.keyboard.press("Escape")
    expect(new_page.locator(".menu")).to_be_hidden()
    expect(new_page.get_by_label("Signed in as")).to_be_focused()
    new_page.keyboard.press("Enter")
    new_page.locator("main").click(position={"x": 5, "y": 5})
    expect(new_page.locator(".menu")).to_be_hidden()
    new_page.get_by_label("Signed in as").click()
    new_page.get_by_role("button", name="Sign out").click()
    expect(name).to_be_visible()
    expect(new_page.get_by_role("navigation", name="Screens")).to_be_hidden()


def test_an_address_is_kept_over_signing_in_and_a_wrong_one_says_so(new_page: Page, site: Site) -> None:
    sign_in(new_page, site.url, to="#/nowhere/7")
    expect(new_page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    new_page.get_by_role("link", name="Go to the chat").click()
    expect(new_page.get_by_label("Message")).to_be_visible()


def test_a_session_that_was_ended_elsewhere_leads_back_to_signing_in(new_page: Page, site: Site) -> None:
    sign_in(new_page, site.url)
    assert new_page.evaluate("document.cookie") == "", "no script may read the session"
    new_page.context.clear_cookies()
    new_page.reload()
    expect(new_page.get_by_label("User name")).to_be_visible()


def test_signing_out_holds_for_the_other_tab(new_page: Page, site: Site) -> None:
    page, other = new_page, new_page.context.new_page()
    sign_in(page, site.url)
    other.goto(f"{site.url}/console/")
    expect(other.get_by_role("navigation", name="Screens")).to_be_visible()
    other.get_by_label("Signed in as").click()
    other.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("User name")).to_be_visible()


def test_the_theme_can_be_chosen_and_stays(page: Page) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate(ground) != light
    page.reload()
    assert page.evaluate(ground) != light


def test_markup_and_code_from_text_are_refused_by_the_page_itself(browser: Browser, site: Site) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site.url}/console/")
    page.get_by_label("User name").wait_for()
    # In a later turn of the page's own: what a debugger runs at once may evaluate text, whatever the policy says.
    said = page.evaluate(
        """() => new Promise((resolve) => setTimeout(() => {
            const tried = [
                () => { document.body.innerHTML = "<b>x</b>"; },
                () => { document.write("x"); },
                () => { window.trustedTypes.createPolicy("any", {}); },
                () => { document.createElement("script").text = "window.ran = 1"; },
                () => { document.body.setAttribute("onclick", "window.ran = 1"); },
                () => { eval("window.ran = 1"); },
            ];
            resolve(tried.map((one) => { try { one(); return "done"; } catch (error) { return "refused"; } }));
        }))"""
    )
    assert said == ["refused"] * 6
    policy = page.request.get(f"{site.url}/console/").headers["content-security-policy"]
    context.close()
    assert "default-src 'self'" in policy
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
