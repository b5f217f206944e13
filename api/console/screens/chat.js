// Conversations with the copilot: the list, the one that is open, and what is said next.

import { followRun, get, patch, post, send } from "../lib/api.js";
import { announce, button, h, icon, newId, replace } from "../lib/dom.js";
import { notify, openDialog } from "../lib/dialog.js";
import { neutralise } from "../lib/format.js";
import { drawMasked } from "./chat/masked.js";
import { ThreadList } from "./chat/threads.js";
import { TurnView } from "./chat/turn.js";

const LOOK_EVERY_MS = 4_000;
const MODES = ["updates", "trees"];

class Chat extends HTMLElement {
  static observedAttributes = ["thread"];

  connectedCallback() {
    if (this.list) return;
    const wordsId = newId("words");
    this.views = new Map();
    this.threadId = null;
    this.threads = new ThreadList({ onnew: () => this.#openNew() });
    this.heading = h("h1", { class: "chat-title record-text" }, "New conversation");
    this.rename = button("Rename", () => this.#rename(), { drawing: "edit", iconOnly: true, kind: "quiet", hidden: true });
    this.mask = button("What the model saw", () => this.#toggleMask(), { drawing: "eye", kind: "quiet", "aria-pressed": "false", hidden: true });
    this.drawer = button("Conversations", () => this.#toggleList(), { drawing: "menu", iconOnly: true, kind: "quiet", class: "button quiet icon-only drawer", "aria-expanded": "false" });
    this.list = h("div", { class: "turns", ondrawn: () => this.#showFromTop(this.#lastView()) });
    this.masked = h("div", { class: "masked-view", hidden: true });
    this.suggested = h("div", { class: "suggested", role: "group", "aria-label": "You could ask" });
    this.scroller = h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Conversation" }, this.list, this.masked, this.suggested);
    this.line = h("p", { class: "line-note small", role: "status" });
    this.words = h("textarea", { id: wordsId, rows: "1", placeholder: "Ask, or say what to change", maxlength: "100000", onkeydown: (event) => this.#press(event) });
    this.sendButton = h("button", { type: "submit", class: "button primary icon-only", "aria-label": "Send", title: "Send" }, icon("send"));
    this.stopButton = button("Stop", () => this.#stop(), { drawing: "stop", kind: "danger", hidden: true });
    const form = h("form", { class: "composer", onsubmit: (event) => this.#submit(event) },
      h("label", { for: wordsId, class: "unseen" }, "Message"), this.words, this.stopButton, this.sendButton);
    replace(this, this.threads.element,
      h("section", { class: "conversation", "aria-label": "Open conversation" },
        h("div", { class: "chat-head" }, this.drawer, this.heading, this.rename, this.mask), this.scroller,
        h("div", { class: "composer-place" }, this.line, form)));
    this.#open(this.getAttribute("thread"));
  }

  disconnectedCallback() {
    this.#leave();
  }

  attributeChangedCallback(name, before, now) {
    if (this.list && now !== this.threadId) this.#open(now);
  }

  // Opening

  async #open(threadId) {
    this.#leave();
    this.threadId = threadId;
    this.views.clear();
    this.list.replaceChildren();
    this.suggested.replaceChildren();
    this.#showMask(false);
    this.classList.remove("list-open");
    this.heading.textContent = "New conversation";
    this.rename.hidden = this.mask.hidden = threadId === null;
    this.threads.refresh(threadId);
    if (threadId === null) this.#welcome();
    else await this.#load();
    if (window.matchMedia("(min-width: 50rem)").matches) this.words.focus({ preventScroll: true });
  }

  #openNew() {
    if (window.location.hash === "#/chat") this.#open(null);
    else window.location.hash = "#/chat";
    this.words.focus();
  }

  #leave() {
    this.following?.abort();
    this.following = null;
    window.clearTimeout(this.looking);
    this.#setRunning(null);
  }

  async #welcome() {
    replace(this.list, h("div", { class: "welcome" },
      h("h2", {}, "What would you like to know?"),
      h("p", { class: "quiet-text" }, "Answers come from the records that you may see, with their sources. Whatever would change something or leave the company waits for a person.")));
    this.#suggest("/suggestions");
  }

  async #load() {
    const threadId = this.threadId;
    let conversation;
    try {
      conversation = await get(`/threads/${threadId}/messages`);
    } catch (problem) {
      if (threadId !== this.threadId || problem.status === 401) return;
      const isMissing = [404, 410, 422].includes(problem.status);
      if (isMissing) this.rename.hidden = this.mask.hidden = true;
      replace(this.list, h("div", { class: "empty" }, h("p", {}, isMissing ? "There is no such conversation that you can see." : problem.message), isMissing ? button("Begin a new one", () => this.#openNew()) : button("Try again", () => this.#load())));
      return;
    }
    if (threadId !== this.threadId) return;
    const isFirst = this.views.size === 0;
    this.#draw(conversation);
    if (isFirst) this.#scroll({ always: true });
    if (conversation.run_id && !this.following) this.#follow(this.#lastView(), { path: `/threads/${threadId}/runs/${conversation.run_id}` });
    else if (!conversation.turns.length) this.#welcome();
    else if (!conversation.waits.length) this.#suggest(`/threads/${threadId}/suggestions`);
  }

  #draw(conversation) {
    this.heading.textContent = neutralise(conversation.title) || "New conversation";
    const { turns, waits } = conversation;
    const known = new Set(turns.map((turn) => turn.message_id));
    for (const [id, view] of this.views) {
      if (!known.has(id)) {
        view.element.remove();
        this.views.delete(id);
      }
    }
    this.list.querySelector(".welcome, .empty")?.remove();
    turns.forEach((turn, at) => {
      const isLast = at === turns.length - 1;
      const told = JSON.stringify([turn, isLast, isLast && waits]);
      let view = this.views.get(turn.message_id);
      if (!view) {
        view = new TurnView(this.threadId, turn, this.#handlers());
        this.views.set(turn.message_id, view);
      }
      if (this.list.children[at] !== view.element) this.list.insertBefore(view.element, this.list.children[at] ?? null);
      view.isUnknown = false;
      if (view.told === told && !view.isLive) return;
      view.told = told;
      view.show(turn, { isLast: isLast && !conversation.run_id, waits: isLast ? waits : [] });
    });
    if (conversation.error && conversation.status === "error") this.#lastView()?.fail(conversation.error);
    this.line.textContent = waits.length ? "Waits for a decision. Your next message is answered after it." : "";
    window.clearTimeout(this.looking);
    if (waits.length) this.looking = window.setTimeout(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Looks whether somebody has decided meanwhile. */
  async #look() {
    if (document.hidden || this.following) {
      this.looking = window.setTimeout(() => this.#look(), LOOK_EVERY_MS);
      return;
    }
    await this.#load();
  }

  #handlers() {
    return {
      edit: (turn, text) => this.#ask(text, { replaces: turn.message_id }),
      retry: (turn) => this.#ask(turn.question, { replaces: turn.message_id }),
      send: (text) => this.#ask(text),
      decided: (runId) => {
        if (runId === null) this.#load();
        else this.#follow(this.#lastView(), { path: `/threads/${this.threadId}/runs/${runId}`, isResumed: true });
      },
    };
  }

  #lastView() {
    return [...this.views.values()].at(-1) ?? null;
  }

  async #suggest(path) {
    const threadId = this.threadId;
    try {
      const found = await get(path);
      if (threadId !== this.threadId || this.running) return;
      replace(this.suggested, found.map((one) => button(neutralise(one.text), () => this.#ask(one.text), { kind: "suggestion", drawing: one.effect === "read" ? null : "shield", title: one.effect === "read" ? null : "Proposes a change, which waits for a person" })));
    } catch {
      this.suggested.replaceChildren(); // nobody misses what was only offered
    }
  }

  // Asking

  #press(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    event.target.form.requestSubmit();
  }

  #submit(event) {
    event.preventDefault();
    const text = this.words.value.trim();
    if (!text || this.running) return;
    this.words.value = "";
    this.#ask(text);
  }

  async #ask(text, { replaces = null } = {}) {
    if (this.running) return;
    this.suggested.replaceChildren();
    this.#showMask(false);
    this.list.querySelector(".welcome")?.remove();
    const id = crypto.randomUUID();
    const earlier = replaces === null ? null : this.views.get(replaces);
    if (earlier) {
      earlier.element.remove();
      this.views.delete(replaces);
    }
    for (const view of this.views.values()) view.showTools(false);
    const view = new TurnView(this.threadId, { message_id: id, question: text, agent: null, route: null, steps: [], answers: [], took_ms: null }, this.#handlers());
    this.views.set(id, view);
    this.list.append(view.element);
    this.#scroll({ always: true });
    if (this.threadId === null && !(await this.#openThread(view, text))) return;
    view.threadId = this.threadId;
    const isKnown = replaces !== null && !earlier?.isUnknown;
    const body = {
      assistant_id: "countersign",
      input: { messages: [{ type: "human", id, content: text, ...(isKnown ? { replaces } : {}) }] },
      stream_mode: MODES,
      metadata: { request: id },
      ...(isKnown ? { multitask_strategy: "interrupt" } : {}),
    };
    await this.#follow(view, { body });
  }

  async #openThread(view, text) {
    this.#setRunning("");
    try {
      this.threadId = (await post("/threads", {})).thread_id;
      window.history.replaceState(null, "", `#/chat/${this.threadId}`);
      this.setAttribute("thread", this.threadId);
      window.dispatchEvent(new HashChangeEvent("hashchange"));
      this.heading.textContent = neutralise(text).slice(0, 80);
      this.rename.hidden = this.mask.hidden = false;
      return true;
    } catch (problem) {
      view.isUnknown = true;
      view.fail(problem.message);
      this.#setRunning(null);
      return false;
    }
  }

  /** Starts a run with `body`, or goes on with the one at `path`, and shows it until it rests. */
  async #follow(view, { body = null, path = null, isResumed = false }) {
    const threadId = this.threadId;
    const following = new AbortController();
    this.following = following;
    window.clearTimeout(this.looking);
    if (view === null) {
      view = new TurnView(threadId, { message_id: "", question: "", agent: null, route: null, steps: [], answers: [], took_ms: null }, this.#handlers());
    }
    this.#setRunning(path?.split("/").at(-1) ?? "");
    if (isResumed) view.tell("Going on…", "working");
    else view.begin();
    view.isUnknown = body !== null;
    let failed = false;
    try {
      await followRun({
        path,
        start: (signal) => send("POST", `/threads/${threadId}/runs/stream`, { body, headers: { Accept: "text/event-stream" }, signal }),
        find: () => this.#find(threadId, body),
        signal: following.signal,
        onbreak: (isBroken) => {
          this.line.textContent = isBroken ? "The connection is lost. Trying again…" : "";
        },
        onevent: (event) => {
          if (event.name === "metadata") this.#setRunning(event.data.run_id);
          failed ||= event.name === "error";
          view.take(event);
          this.#scroll();
        },
      });
    } catch (problem) {
      if (problem.name === "AbortError") return;
      failed = true;
      view.fail(problem.message);
    }
    if (this.following !== following) return;
    this.following = null;
    const wasStopped = this.isStopping;
    this.#setRunning(null);
    this.line.textContent = "";
    this.threads.refresh(threadId);
    if (failed) return;
    await this.#settle(view, wasStopped);
  }

  /** Whether a run was begun whose answer never came. */
  async #find(threadId, body) {
    const runs = await get(`/threads/${threadId}/runs`, { limit: 5 });
    const run = runs.find((one) => one.metadata.request === body?.metadata.request);
    return run ? `/threads/${threadId}/runs/${run.run_id}` : null;
  }

  /** The run has ended: shows what the service has kept of it. */
  async #settle(view, wasStopped) {
    const kept = wasStopped ? view : null;
    await this.#load();
    if (kept && !this.views.has(kept.turn.message_id)) {
      this.views.set(kept.turn.message_id, kept);
      this.list.append(kept.element);
    }
    if (kept && (kept.isLive || !kept.turn.answers.length)) {
      kept.isUnknown = !kept.told;
      kept.fail("You stopped this. Nothing was changed.");
      announce("Stopped");
    } else {
      const last = this.#lastView();
      last?.element.removeAttribute("aria-busy");
      announce(last ? last.body.textContent.slice(0, 400) : "");
      if (last) this.#showFromTop(last);
    }
  }

  /** A long answer is read from its beginning. */
  #showFromTop(view) {
    window.requestAnimationFrame(() => {
      const top = view.element.offsetTop - this.scroller.offsetTop - 16;
      this.scroller.scrollTop = Math.min(top, this.scroller.scrollHeight);
    });
  }

  async #stop() {
    if (!this.running) return;
    this.isStopping = true;
    this.stopButton.disabled = true;
    try {
      await post(`/threads/${this.threadId}/runs/${this.running}/cancel`, undefined);
    } catch (problem) {
      this.isStopping = false;
      this.stopButton.disabled = false;
      notify(problem.message, { kind: "fault" });
    }
  }

  #setRunning(runId) {
    this.running = runId;
    const isRunning = runId !== null;
    if (!isRunning) this.isStopping = false;
    this.stopButton.hidden = !runId;
    this.stopButton.disabled = false;
    this.sendButton.disabled = isRunning;
    if (isRunning) this.suggested.replaceChildren();
  }

  // Around it

  #toggleMask() {
    this.#showMask(this.masked.hidden);
  }

  #showMask(isShown) {
    this.masked.hidden = !isShown;
    this.list.hidden = this.suggested.hidden = isShown;
    this.mask.setAttribute("aria-pressed", String(isShown));
    if (isShown) drawMasked(this.masked, this.threadId);
  }

  #toggleList() {
    const isOpen = this.classList.toggle("list-open");
    this.drawer.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.threads.search.focus();
  }

  async #rename() {
    const id = newId("title");
    const input = h("input", { id, type: "text", maxlength: "80", value: this.heading.textContent });
    const done = await openDialog({
      title: "Rename this conversation",
      body: [h("div", { class: "field" }, h("label", { for: id }, "Name"), input)],
      actions: [{ label: "Cancel", value: null }, { label: "Rename", kind: "primary", value: async () => {
        await patch(`/threads/${this.threadId}`, { metadata: { title: input.value.trim() } });
        return input.value.trim();
      } }],
    });
    if (done === null) return;
    if (done) this.heading.textContent = neutralise(done);
    this.threads.refresh(this.threadId);
  }

  /** Keeps the end in sight, unless the reader has scrolled away from it. */
  #scroll({ always = false } = {}) {
    const box = this.scroller;
    const isNear = box.scrollHeight - box.scrollTop - box.clientHeight < 240;
    if (always || isNear) window.requestAnimationFrame(() => { box.scrollTop = box.scrollHeight; });
  }
}

customElements.define("cs-chat", Chat);
