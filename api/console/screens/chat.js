// A conversation with the copilot.

import { followRun, post, send } from "../lib/api.js";
import { button, h, newId, replace } from "../lib/dom.js";
import { neutralise } from "../lib/format.js";

class Chat extends HTMLElement {
  connectedCallback() {
    const wordsId = newId("words");
    this.said = h("div", { class: "said", role: "log", "aria-label": "Conversation" });
    this.words = h("textarea", { id: wordsId, rows: "2", placeholder: "Ask about your CRM, or say what to change" });
    const form = h("form", { class: "ask", onsubmit: (event) => this.#ask(event) },
      h("label", { for: wordsId, class: "unseen" }, "Message"), this.words, button("Send", null, { kind: "primary", type: "submit" }));
    replace(this, h("div", { class: "page" }, h("h1", {}, "Chat"), this.said, form));
    this.stopping = new AbortController();
  }

  disconnectedCallback() {
    this.stopping.abort();
  }

  async #ask(event) {
    event.preventDefault();
    const text = this.words.value.trim();
    if (!text) return;
    this.words.value = "";
    const answer = h("p", { class: "answer record-text" });
    this.said.append(h("p", { class: "question record-text" }, neutralise(text)), answer);
    this.thread ??= (await post("/threads")).thread_id;
    const body = { assistant_id: "countersign", input: { messages: [{ type: "human", content: text }] }, stream_mode: ["messages-tuple"] };
    await followRun({
      start: (signal) => send("POST", `/threads/${this.thread}/runs/stream`, { body, signal }),
      signal: this.stopping.signal,
      onevent: ({ name, data }) => {
        if (name === "messages" && data[0].type !== "tool") answer.append(neutralise(data[0].content));
      },
    });
  }
}

customElements.define("cs-chat", Chat);
