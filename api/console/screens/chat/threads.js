// The caller's conversations: search, open, begin anew.

import { getPage } from "../../lib/api.js";
import { button, h, icon, newId, replace } from "../../lib/dom.js";
import { formatAgo, neutralise } from "../../lib/format.js";

const PAUSE_MS = 250;
const PAGE = 40;

export class ThreadList {
  constructor({ onnew }) {
    const id = newId("search");
    this.search = h("input", { id, type: "search", placeholder: "Search conversations", oninput: () => this.#plan() });
    this.list = h("ul", { class: "threads" });
    this.more = button("Show more", () => this.#load(this.next), { kind: "link", hidden: true });
    this.note = h("p", { class: "empty small", role: "status", hidden: true });
    this.element = h("nav", { class: "thread-nav", "aria-label": "Conversations" },
      h("div", { class: "thread-tools" },
        button("New conversation", onnew, { drawing: "plus", kind: "primary" }),
        h("div", { class: "search" }, icon("search"), h("label", { for: id, class: "unseen" }, "Search conversations"), this.search)),
      this.list, this.note, this.more);
    this.lines = [];
    this.current = null;
    this.asked = 0;
  }

  /** Shows the list anew, with the conversation that is open marked. */
  async refresh(current) {
    this.current = current ?? null;
    await this.#load(null);
  }

  mark(current) {
    this.current = current ?? null;
    this.#draw();
  }

  #plan() {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.#load(null), PAUSE_MS);
  }

  async #load(offset) {
    this.asked += 1;
    const asked = this.asked;
    const query = this.search.value.trim();
    try {
      const page = await getPage("/conversations", { query, limit: PAGE, offset });
      if (asked !== this.asked) return;
      this.lines = offset ? [...this.lines, ...page.items] : page.items;
      this.next = page.next;
      this.note.textContent = query ? "No conversation has these words." : "Your conversations will be listed here.";
      this.note.hidden = this.lines.length > 0;
      this.#draw();
    } catch (problem) {
      if (problem.status === 401) return;
      this.note.textContent = problem.message;
      this.note.hidden = false;
    }
  }

  #draw() {
    this.more.hidden = !this.next;
    replace(this.list, this.lines.map((line) => h("li", {},
      h("a", { href: `#/chat/${line.thread_id}`, "aria-current": line.thread_id === this.current ? "page" : null },
        h("span", { class: "thread-title record-text" }, neutralise(line.title) || "Untitled"),
        line.excerpt && h("span", { class: "thread-excerpt record-text small" }, neutralise(line.excerpt)),
        h("span", { class: "thread-time small quiet-text" }, formatAgo(line.updated_at), line.status === "interrupted" && h("span", { class: "mark warn" }, "Waiting"), line.status === "busy" && h("span", { class: "mark" }, "At work"))))));
  }
}
