"""Rules of the console's files: no way from a text to markup or code, nothing from elsewhere, no file too long."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "api" / "console"
SCRIPTS = sorted(CONSOLE.rglob("*.js"))
FORBIDDEN = {
    "markup out of text": r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|DOMParser|setHTML|"
    r"parseHTMLUnsafe|document\.write|\.srcdoc\b|XSLTProcessor|createHTMLDocument",
    "code out of text": r"\beval\s*\(|new Function|setTimeout\(\s*[\"'`]|setInterval\(\s*[\"'`]|javascript:",
    "a way around trusted types": r"trustedTypes|createPolicy",
    "handlers as attributes": r"setAttribute\(\s*[\"'`]on|setAttribute\(\s*[\"'`](?:style|srcdoc)",
    "scripts at run time": r"createElement\(\s*[\"'`]script|importScripts|new Worker|serviceWorker",
    "an address elsewhere": r"(?:fetch|import)\(\s*[\"'`](?:https?:)?//|from\s+[\"'](?!\.)",
    "words into another page": r"postMessage|window\.open\(",
}
LONGEST = 420


def test_the_files_that_this_looks_at_are_there() -> None:
    assert {"app.js", "lib/dom.js", "lib/tree.js", "screens/chat.js"} <= {
        path.relative_to(CONSOLE).as_posix() for path in SCRIPTS
    }


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_no_script_has(kind: str) -> None:
    found = [
        f"{path.relative_to(CONSOLE)}:{number}: {line.strip()}"
        for path in SCRIPTS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(FORBIDDEN[kind], line)
    ]
    assert found == []


def test_the_page_has_no_script_style_or_handler_of_its_own() -> None:
    for path in CONSOLE.rglob("*.html"):
        page = path.read_text()
        assert re.findall(r"<script(?![^>]*\ssrc=\"[a-z/-]+\.js\")[^>]*>", page) == []
        assert re.findall(r"<script[^>]*>[^<]", page) == []
        assert re.findall(r"<style|\sstyle=|\son[a-z]+=|https?://(?!www\.w3\.org)", page) == []


def test_styles_load_nothing_from_elsewhere() -> None:
    found = [
        path.name for path in CONSOLE.rglob("*.css") if re.search(r"@import|url\(|https?:", path.read_text(), re.I)
    ]
    assert found == []


def test_no_file_is_too_long_to_read() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in [*SCRIPTS, *CONSOLE.rglob("*.css")]}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_the_pages_files_are_there() -> None:
    from api.console_files import load_console

    served = load_console()
    wanted = set(re.findall(r"(?:src|href)=\"([a-z][a-z/-]*\.[a-z]+)\"", (CONSOLE / "index.html").read_text()))
    imported = {
        (path.parent / name).resolve().relative_to(CONSOLE).as_posix()
        for path in SCRIPTS
        for name in re.findall(r"(?:from|import\()\s*\"(\.[^\"]+)\"", path.read_text())
    }
    assert len(wanted) > 3
    assert len(imported) > 3
    assert (wanted | imported) - set(served) == set()
