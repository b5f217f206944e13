"""Admin in a browser: people, rights, sessions, keys, groups, budgets and retention are changed, each after a word."""

from collections.abc import Callable
from typing import Any

import httpx
from playwright.sync_api import Browser, Locator, Page, expect

from crm.seed.people import staff_id
from tests.browser.asking import Asking, update
from tests.browser.conftest import Site, find_axe_faults, open_page, sign_in
from tests.service import ADMIN, MARA

OTHER_ADMIN, NINA = "ada@southridge.example", "nina@northwind.example"
HOSTILE = "<img src=x onerror=window.ran=1>\u202eNowak"


def show(page: Page, site: Site, part: str) -> None:
    page.goto(f"{site.url}/console/#/admin/{part}")
    page.locator("main h2").first.wait_for()
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def say_yes(page: Page, label: str, *said: str) -> None:
    """What a confirmation says, and the yes to it."""
    for words in said:
        expect(dialog(page)).to_contain_text(words)
    dialog(page).get_by_role("button", name=label, exact=True).click()
    expect(dialog(page)).to_have_count(0)


def test_somebody_is_added_given_rights_placed_signed_out_and_shut_out(ada: Page, site: Site) -> None:
    show(ada, site, "people")
    ada.get_by_role("button", name="Add a person…").click()
    form, added = dialog(ada), dialog(ada).get_by_role("button", name="Add", exact=True)
    added.click()
    expect(form.get_by_text("This is needed.")).to_have_count(2)
    expect(form.get_by_label("Family name")).to_be_focused()
    form.get_by_label("Given name").fill("Nina")
    form.get_by_label("Family name").fill(HOSTILE)
    form.get_by_label("Login name").fill("dana@northwind.example")
    added.click()
    expect(form.get_by_text("expected one line of plain text")).to_be_visible()
    form.get_by_label("Family name").fill("Nowak <b>")
    added.click()
    expect(form.get_by_text("an active person has this address already")).to_be_visible()
    expect(form.get_by_label("Login name")).to_be_focused()
    form.get_by_label("Login name").fill(NINA)
    form.get_by_label("Sales Representative").check()
    added.click()
    expect(ada.get_by_role("heading", name="Nina Nowak <b>")).to_be_visible()
    [nina] = site.call(ADMIN, "GET", "/admin/people", params={"text": "nina nowak"})
    assert (nina["permission_sets"], nina["manager"]) == (["sales_rep"], None)

    ada.get_by_role("checkbox", name="Sales Manager").check()
    ada.get_by_role("button", name="Save rights…").click()
    say_yes(ada, "Cancel", "Given to Nina Nowak <b>: Sales Manager", "New beyond records: approve writes")
    assert site.call(ADMIN, "GET", f"/admin/people/{nina['id']}") == nina, "nothing before the yes"
    ada.get_by_role("button", name="Save rights…").click()
    say_yes(ada, "Change", "It counts at once")
    expect(ada.get_by_text("May, beyond records: approve writes.")).to_be_visible()

    ada.get_by_role("button", name="Change role or manager…").click()
    form.get_by_label("Role", exact=True).select_option("Sales Representative West")
    form.get_by_label("Find: manager").fill("mara")
    expect(form.get_by_label("Manager", exact=True).locator("option")).to_have_count(2)
    form.get_by_label("Manager", exact=True).select_option(staff_id("mara"))
    say_yes(ada, "Change", "who may decide what they ask for")
    expect(ada.locator(".facts")).to_contain_text("Mara Lindqvist")

    with httpx.Client(base_url=site.url) as hers:
        for button, label, said in (
            ("End the session of", "End it", "may sign in again"),
            ("Sign out everywhere…", "Sign out", "signed out of all browsers"),
        ):
            assert hers.post("/dev/sign-in", json={"username": NINA}).status_code == 200
            ada.reload()
            ada.get_by_role("button", name=button).click()
            say_yes(ada, label, said)
            expect(ada.get_by_text("Not signed in with any browser.")).to_be_visible()
            assert hers.get("/auth/me").status_code == 401
    ada.get_by_role("button", name="Deactivate…").click()
    say_yes(ada, "Deactivate", "shut out at once", "brings back neither sessions nor keys")
    expect(ada.get_by_role("button", name="Let in again…")).to_be_visible()
    assert site.call(ADMIN, "GET", f"/admin/people/{nina['id']}")["is_active"] is False
    assert ada.evaluate("window.ran") is None


def test_one_s_own_rights_are_no_silent_matter_and_others_people_are_not_there(
    browser: Browser, ada: Page, site: Site, signed_in: Callable[[str], Any]
) -> None:
    robot = site.call(ADMIN, "POST", "/admin/service-principals", json={"name": "Ours alone"})
    show(ada, site, f"people/{staff_id('ada')}")
    expect(ada.get_by_role("checkbox", name="Analyst")).to_be_disabled()
    expect(ada.get_by_role("button", name="Change role or manager…")).to_have_count(0)
    ada.get_by_role("checkbox", name="System Administrator").uncheck()
    ada.get_by_role("button", name="Save rights…").click()
    say_yes(ada, "Change", "These are your own rights.", "No longer: ", "the audit says that it was you")
    expect(ada.locator("fieldset")).to_contain_text("this is the last person who may manage users")
    ada.get_by_role("button", name="Deactivate…").click()
    say_yes(ada, "Deactivate", "This is you")
    notices = ada.get_by_role("region", name="Notices")
    expect(notices.get_by_role("alert")).to_contain_text("this is the last person who may manage users")
    with open_page(browser, site.url, storage_state=signed_in(OTHER_ADMIN)) as theirs:
        show(theirs, site, "people")
        theirs.get_by_label("Find").fill("dana")
        expect(theirs.locator(".person-row")).to_have_count(1)
        expect(theirs.locator(".person-row")).to_contain_text("dana@southridge.example")
        theirs.goto(f"{site.url}/console/#/admin/people/{robot['id']}")
        expect(theirs.get_by_role("alert")).to_contain_text("There is no such person")


def test_a_key_for_a_program_is_shown_once_and_revoked(ada: Page, site: Site) -> None:
    show(ada, site, "keys")
    ada.get_by_role("button", name="Make a service principal…").click()
    dialog(ada).get_by_label("Name of the program").fill("Nightly report")
    dialog(ada).get_by_label("Analyst").check()
    say_yes(ada, "Make it", "nobody signs in as it")
    expect(ada.get_by_text("Nightly report was made")).to_be_visible()
    ada.get_by_role("button", name="Make a key…").click()
    form, make = dialog(ada), dialog(ada).get_by_role("button", name="Make the key")
    make.click()
    expect(form.get_by_text("This is needed.")).to_be_visible()
    expect(form.get_by_text("Choose at least one.")).to_be_visible()
    form.get_by_label("What it is for").fill("report")
    form.get_by_label("Look at records").check()
    expect(form.get_by_text("users:manage")).to_have_count(0)
    form.get_by_label("Runs out after").fill("400")
    make.click()
    expect(form.get_by_label("Runs out after")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Runs out after").fill("30")
    form.get_by_label("Acts as", exact=True).select_option("other")
    expect(form.get_by_label("Ask for changes")).to_be_disabled()
    form.get_by_label("Acts as", exact=True).select_option(label="Nightly report")
    make.click()
    secret = dialog(ada).get_by_label("The key “report”").input_value()
    say_yes(ada, "I have kept it", "shown this once")
    row = ada.get_by_role("row").filter(has_text="report")
    expect(row).to_contain_text("Nightly report")
    assert secret not in ada.content()
    me = httpx.get(f"{site.url}/me", headers={"x-api-key": secret}).json()
    assert (me["name"], me["scopes"]) == ("Nightly report", ["crm:read"])
    row.get_by_role("button", name="Revoke the key report").click()
    say_yes(ada, "Revoke", "turned away")
    expect(ada.get_by_text("There are no such keys.")).to_be_visible()
    assert httpx.get(f"{site.url}/me", headers={"x-api-key": secret}).status_code == 401


def test_groups_of_the_directory_give_permission_sets(ada: Page, site: Site) -> None:
    show(ada, site, "groups")
    ada.get_by_role("button", name="Add a group…").click()
    dialog(ada).get_by_role("button", name="Add", exact=True).click()
    expect(dialog(ada).get_by_text("Choose at least one.")).to_be_visible()
    dialog(ada).get_by_label("Name of the group").fill("Sales <i>EMEA</i>")
    dialog(ada).get_by_label("Sales Manager").check()
    say_yes(ada, "Add", "Everybody in the group will be able to: approve writes")
    expect(ada.get_by_role("row").filter(has_text="Sales <i>EMEA</i>")).to_contain_text("Sales Manager")
    theirs = {"groups": {"Sales <i>EMEA</i>": ["sales_rep"]}}
    site.call(ADMIN, "PUT", "/admin/groups", json=theirs)
    ada.get_by_role("button", name="Remove Sales").click()
    say_yes(ada, "Remove", "Its people lose what it gives")
    expect(ada.get_by_role("alert")).to_contain_text("somebody has changed the groups meanwhile")
    assert site.call(ADMIN, "GET", "/admin/groups")["groups"] == theirs["groups"]
    ada.reload()
    ada.get_by_role("button", name="Remove Sales").click()
    say_yes(ada, "Remove")
    expect(ada.get_by_text("No group gives anything")).to_be_visible()


def test_an_edit_puts_another_field_into_a_request(browser: Browser, asking: Asking, signed_in: Any) -> None:
    site = asking.site
    [first] = asking.ask(update(NextStep="Send the offer"))
    with open_page(browser, site.url, storage_state=signed_in(MARA)) as mara:
        mara.goto(f"{site.url}/console/#/approvals/{first['approval_id']}")
        mara.locator("cs-approval-card").get_by_role("button", name="Edit").click()
        form, make = dialog(mara), dialog(mara).get_by_role("button", name="Make the new request")
        make.click()
        expect(form.get_by_role("alert")).to_have_text("Nothing is different yet.")
        offered = form.get_by_label("Another field").locator("option").all_inner_texts()
        assert "Probability" in offered or "Amount" in offered
        assert not {"Id", "Created Date", "Last Modified Date", "Next Step"} & set(offered)
        form.get_by_label("Another field").select_option("CloseDate")
        form.get_by_role("button", name="Add this field").click()
        expect(form.get_by_label("Close Date").first).to_be_focused()
        make.click()
        expect(form.get_by_text("Give a value, or leave the field out.")).to_be_visible()
        form.get_by_label("Close Date").first.fill("2027-02-28")
        form.get_by_label("Another field").select_option("LeadSource")
        form.get_by_role("button", name="Add this field").click()
        form.get_by_role("button", name="Leave out Lead Source").click()
        make.click()
        expect(mara.locator("cs-approval-card")).to_contain_text("This is a new request in the place of")
    assert asking.status(first) == "edited"
    [new] = site.call(MARA, "GET", "/approvals", params={"view": "all"})
    assert new["arguments"]["fields"] == {"NextStep": "Send the offer", "CloseDate": "2027-02-28"}
    assert asking.record()["CloseDate"] != "2027-02-28", "nobody has approved it yet"


def test_axe_finds_nothing_and_nothing_is_wider_than_the_page(browser: Browser, site: Site) -> None:
    dana = f"people/{staff_id('dana')}"
    opens = {"people": "Add a person…", dana: "Change role or manager…", "keys": "Make a key…"}
    site.call(ADMIN, "POST", "/admin/api-keys", json={"name": HOSTILE, "scopes": ["crm:read"]})
    too_wide = "document.querySelector('main').scrollWidth > document.querySelector('main').clientWidth"
    found: dict[tuple[str, str], list[str]] = {}
    parts = {"people": "dark", dana: "light", "groups": "light", "keys": "dark"}
    with open_page(browser, site.url, bypass_csp=True, reduced_motion="reduce") as page:
        page.set_viewport_size({"width": 390, "height": 900})
        sign_in(page, site.url, ADMIN, to="#/admin/people")
        for part, theme in parts.items():
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            show(page, site, part)
            found[part, "page"] = [*find_axe_faults(page), *(["too wide"] if page.evaluate(too_wide) else [])]
            if part in opens:
                page.get_by_role("button", name=opens[part]).press("Enter")
                dialog(page).wait_for()
                found[part, "dialog"] = find_axe_faults(page)
                page.keyboard.press("Escape")
                expect(page.get_by_role("button", name=opens[part])).to_be_focused()
        assert page.evaluate("window.ran") is None
    assert [f"{place}: {faults}" for place, faults in found.items() if faults] == []


def test_budgets_model_and_retention_are_changed_after_a_word_and_faults_stand_at_their_field(
    ada: Page, site: Site
) -> None:
    show(ada, site, "retention")
    days, texts = ada.get_by_label("Days for conversations"), ada.get_by_label("Days for texts")
    save = ada.get_by_role("button", name="Save…")
    for field, wrong in ((days, "0"), (days, "1.5"), (texts, ""), (texts, "99999")):
        before = field.input_value()
        field.fill(wrong)
        save.press("Enter")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_be_focused()
        expect(ada.get_by_role("alert")).to_have_text("Look at the marked fields.")
        field.fill(before)
    days.fill("30")
    save.press("Enter")
    say_yes(ada, "Cancel", "for 30 days are erased within the hour, for good")
    assert site.call(ADMIN, "GET", "/retention")["conversation_days"] is None
    save.press("Enter")
    say_yes(ada, "Change")
    expect(ada.get_by_text("Changed.").first).to_be_visible()
    assert site.call(ADMIN, "GET", "/retention")["conversation_days"] == 30
    assert site.call(OTHER_ADMIN, "GET", "/retention")["conversation_days"] is None

    show(ada, site, "models")
    tokens, region = ada.get_by_label("Tokens of a person"), ada.get_by_label("Country of telephone numbers")
    personal = ada.get_by_label("Personal values")
    for field, wrong, told, is_asked in (
        (tokens, "many", "Expected a whole number", False),
        (tokens, "-5", "Expected a whole number", False),
        (region, "X", "", False),
        (tokens, "9,999,999,999,999,999", "Expected a whole number", False),
        (region, "ZZ", "there is no region", True),
        (personal, "clear", "a provider's model is never sent personal values in clear", True),
    ):
        put = field.select_option if field is personal else field.fill
        before = field.input_value()
        put(wrong)
        save.press("Enter")
        if is_asked:
            say_yes(ada, "Change")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(ada.locator("form").get_by_text(told or "Look at the marked fields.")).to_be_visible()
        put(before)
    tokens.fill("10000")
    ada.get_by_label("Calls of a run").fill("")
    ada.get_by_label("Model", exact=True).select_option("offline")
    save.press("Enter")
    say_yes(
        ada,
        "Change",
        "Model: The provider's → The service's own: nothing leaves.",
        "Tokens of a person: 5,000,000 a day → 10,000 a day.",
        "Calls of a run: 100 a run → no limit.",
    )
    expect(ada.get_by_text("Changed.").first).to_be_visible()
    rules = site.call(ADMIN, "GET", "/admin/gateway")
    assert (rules["model"], rules["user_tokens_per_day"], rules["run_calls"]) == ("offline", 10_000, None)
    assert site.call(OTHER_ADMIN, "GET", "/admin/gateway")["user_tokens_per_day"] == 5_000_000
    ada.get_by_label("Model", exact=True).select_option("provider")
    save.press("Enter")
    say_yes(ada, "Cancel", "More leaves the house, or reaches a model, than before.")
    assert site.call(ADMIN, "GET", "/admin/gateway")["model"] == "offline"
