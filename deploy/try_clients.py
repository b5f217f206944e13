"""Tries public clients against the running service: the chat UI that npm carries, in Chromium, the JavaScript SDK, and
AG-UI's client.

`uv run python deploy/try_clients.py` installs them unmodified into a folder, starts the demo and
drives them; it needs node 20, npm and /usr/bin/chromium. Exit code 1 if a step does not come about. The screenshots
go to docs/screens/clients/.
"""

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
SCREENS = ROOT / "docs" / "screens" / "clients"
SCRIPTS = Path(__file__).parent / "clients"
SHARED = "service.mjs"
CHAT = "create-agent-chat-app@0.1.6"
SDKS = ("1.15.0", "2.0.0")
AG_UI = "1.0.0"
REP, MANAGER = "dana@northwind.example", "mara@northwind.example"
DEAL = "Acme Industries - Fabrication Line Renewal"
PATIENCE_MS = 180_000


class StepError(Exception):
    """A step that did not come about."""


def demand(is_so: object, what: str) -> None:
    if not is_so:
        raise StepError(what)
    print(f"  ok  {what}", flush=True)


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], folder: Path, url: str, **environment: str) -> Iterator[None]:
    """The command, from when its address answers until the end."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        try:
            until = time.monotonic() + 600
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.get(url, timeout=2).is_success:
                        break
                if process.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    raise StepError(f"{command[0]} did not start: {log.read()[-2_000:]}")
                time.sleep(0.3)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def install_chat(folder: Path) -> Path:
    """The chat UI as its authors ship it, built. Gives the folder of the built project."""
    web = folder / "chat" / "apps" / "web"
    if not web.exists():
        given = ["--project-name", "chat", "--package-manager", "npm", "--install-deps", "false"]
        given += ["--framework", "vite", "--include-agent", "react"]
        run(["npx", "-y", CHAT, *given], folder)
    if not (web / "node_modules").exists():
        run(["npm", "install", "--no-audit", "--no-fund", "--workspaces=false", "--legacy-peer-deps"], web)
    if not (web / "dist").exists():
        run(["npx", "vite", "build"], web)
    return web


def install(folder: Path, package: str, script: str) -> Path:
    """A folder with the package and the script that uses it."""
    place = folder / package.replace("/", "-").lstrip("@")
    if not (place / "node_modules").exists():
        place.mkdir(exist_ok=True)
        (place / "package.json").write_text('{"type": "module", "private": true}')
        run(["npm", "install", "--no-audit", "--no-fund", package], place)
    for name in (script, SHARED):
        shutil.copy(SCRIPTS / name, place / name)
    return place


def try_script(folder: Path, package: str, version: str, script: str, people: "People") -> None:
    print(f"{package} {version}")
    place = install(folder, f"{package}@{version}", script)
    given = {"URL": people.url, "VERSION": version, "REP": people.token(REP), "MANAGER": people.token(MANAGER)}
    print(run(["node", script], place, **given), end="")


def run(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=900
    )
    if done.returncode:
        raise StepError(f"{' '.join(command)} failed: {(done.stdout + done.stderr)[-2_000:]}")
    return done.stdout


@dataclass
class People:
    """Calls of the service's own interface, as persons."""

    url: str

    def token(self, who: str) -> str:
        answer = httpx.post(f"{self.url}/dev/login", json={"username": who}, timeout=60)
        return str(answer.raise_for_status().json()["access_token"])

    def call(self, who: str, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token(who)}"}
        answer = httpx.request(method, f"{self.url}{path}", headers=headers, timeout=60, **more)
        return answer.raise_for_status().json()

    def deal(self) -> Any:
        return self.call(REP, "GET", "/records/Opportunity", params={"name": DEAL})

    def approve_all(self, who: str) -> int:
        waiting = self.call(who, "GET", "/approvals", params={"status": "pending"})
        for one in waiting:
            body = {"decision": "approve", "digest": one["digest"]}
            self.call(who, "POST", f"/approvals/{one['approval_id']}/decision?wait=true", json=body)
        return len(waiting)


@dataclass
class Chat:
    """The chat UI in a browser."""

    page: Page
    url: str
    people: People

    def show(self, name: str) -> None:
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_timeout(700)
        self.page.screenshot(path=str(SCREENS / f"{name}.png"))

    def log_in(self) -> None:
        self.page.goto(self.url)
        self.page.fill("#apiUrl", self.people.url)
        self.page.fill("#assistantId", "countersign")
        self.page.fill("#apiKey", self.people.token(REP))
        self.page.click("text=Continue")
        self.page.wait_for_selector("textarea")

    def begin(self) -> None:
        """An empty conversation: the address without the one it shows."""
        self.page.goto(f"{self.url}/?apiUrl={self.people.url}&assistantId=countersign")
        self.page.wait_for_selector("textarea")

    def say(self, text: str) -> None:
        self.page.fill("textarea >> nth=-1", text)
        self.page.keyboard.press("Enter")

    def wait_for_card(self) -> None:
        self.page.wait_for_selector("text=Mark as Resolved", timeout=PATIENCE_MS)

    def wait_without_card(self) -> None:
        self.page.wait_for_selector("text=Mark as Resolved", state="detached", timeout=PATIENCE_MS)

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).click()


def try_chat(chat: Chat) -> None:
    people = chat.people
    chat.log_in()

    chat.say("show the open cases of Acme Industries")
    chat.page.wait_for_selector("text=/\\b0000[0-9]{4}\\b/ >> nth=0", timeout=PATIENCE_MS)
    chat.show("chat-answer")
    demand(True, "a question is answered from the records")

    chat.begin()
    chat.say(f"change the next step of the {DEAL} to Call Ann Poe")
    chat.wait_for_card()
    chat.show("chat-held")
    demand(people.deal()["NextStep"] != "Call Ann Poe", "a change waits, and its card has buttons")
    chat.press("Accept")
    chat.wait_without_card()
    chat.page.wait_for_selector("text=/Updated/ >> nth=-1", timeout=PATIENCE_MS)
    chat.show("chat-accepted")
    demand(people.deal()["NextStep"] == "Call Ann Poe", "Accept in the chat carries it out")

    chat.begin()
    chat.say(f"move the {DEAL} to Negotiation")
    chat.wait_for_card()
    before = people.deal()["StageName"]
    with chat.page.expect_response(lambda one: one.url.endswith("/runs/stream")) as refused:
        chat.press("Accept")
    demand(refused.value.status == 403, "a change that needs a second person is not accepted by the first")
    chat.show("chat-second-person")
    demand(people.deal()["StageName"] == before, "and nothing has changed")
    demand(people.approve_all(MANAGER) == 1, "the second person approves the digest that she is shown")
    chat.page.reload()
    chat.page.wait_for_selector("text=/Negotiation/ >> nth=-1", timeout=PATIENCE_MS)
    chat.wait_without_card()
    chat.show("chat-approved-by-second-person")
    demand(people.deal()["StageName"] == "Negotiation", "then it is done, and the chat tells it")

    for button, name in (("Ignore", "chat-ignored"), ("Mark as Resolved", "chat-resolved")):
        chat.begin()
        chat.say(f"change the next step of the {DEAL} to Write to Ann Poe")
        chat.wait_for_card()
        chat.press(button)
        chat.wait_without_card()
        chat.show(name)
        is_open = people.call(REP, "GET", "/approvals", params={"status": "pending"})
        demand(not is_open, f"{button!r} leaves nothing waiting")
    demand(people.deal()["NextStep"] == "Call Ann Poe", "and nothing changed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the clients are installed; kept for the next time")
    parser.add_argument("--only", choices=["chat", "sdk", "ag-ui"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        service, ui = free_port(), free_port()
        people = People(f"http://localhost:{service}")
        page_url = f"http://localhost:{ui}"
        demo = [sys.executable, "-m", "api.cli", "demo"]
        demo += ["--port", str(service), "--folder", f"{scratch}/demo", "--factor", "0.1"]
        origins = f'["{page_url}"]'
        with running(demo, ROOT, f"{people.url}/ok", COUNTERSIGN_CORS_ORIGINS=origins):
            for version in SDKS if given.only in (None, "sdk") else ():
                try_script(folder, "@langchain/langgraph-sdk", version, "sdk.mjs", people)
            if given.only in (None, "ag-ui"):
                try_script(folder, "@ag-ui/client", AG_UI, "ag_ui.mjs", people)
            if given.only not in (None, "chat"):
                return
            print(CHAT)
            preview = ["npx", "vite", "preview", "--port", str(ui), "--strictPort"]
            with running(preview, install_chat(folder), page_url), sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                page.set_default_timeout(PATIENCE_MS)
                try:
                    try_chat(Chat(page, page_url, people))
                except Exception:
                    page.screenshot(path=str(folder / "failure.png"))
                    raise
                browser.close()


if __name__ == "__main__":
    try:
        main()
    except StepError as error:
        print(f"FAILED: {error}")
        sys.exit(1)
