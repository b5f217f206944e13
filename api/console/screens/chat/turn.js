// One turn: what was asked, how it was answered, what waits.

import { button, h, newId, replace } from "../../lib/dom.js";
import { neutralise } from "../../lib/format.js";
import { updateTree } from "../../lib/tree.js";
import { drawAnswer } from "./answer.js";
import { drawFigure } from "./figure.js";
import { drawHeld } from "./held.js";
import { Steps } from "./steps.js";

const LONG = 2_000;

/** A turn of the conversation. `on`: edit(turn, text), retry(turn), send(text), decided(runId). */
export class TurnView {
  constructor(threadId, turn, on) {
    Object.assign(this, { threadId, turn, on });
    this.isLive = false;
    this.steps = new Steps();
    this.question = h("div", { class: "question" });
    this.body = h("div", { class: "turn-body" });
    this.state = h("div", { class: "turn-state", role: "status" });
    this.after = h("div", { class: "turn-after" });
    this.element = h("article", { class: "turn", "aria-label": `You asked: ${neutralise(turn.question).slice(0, 80)}` },
      this.question, h("div", { class: "reply" }, this.steps.element, this.body, this.state, this.after));
    this.trees = new Map();
    this.drawQuestion();
  }

  drawQuestion() {
    const text = neutralise(this.turn.question);
    replace(this.question, h("p", { class: "bubble record-text" }, text.length > LONG ? `${text.slice(0, LONG)}…` : text));
  }

  /** Shows the turn as the service says it is. `isLast`: it can be said again; `waits`: what it waits for. */
  show(turn, { isLast, waits }) {
    this.isLive = false;
    this.turn = turn;
    this.steps.show(turn);
    this.state.replaceChildren();
    this.element.removeAttribute("aria-busy");
    const figures = turn.steps.map((step) => drawFigure(this.threadId, step)).filter(Boolean);
    replace(this.body, figures, turn.answers.map((answer) => drawAnswer(this.threadId, answer)));
    replace(this.after, waits.map((one) => drawHeld(one.approval_id, this.on.decided)), turn.steps.map((step) => this.#drawSaved(step, isLast)));
    this.showTools(isLast && waits.length === 0);
  }

  /** What can be done with the last turn. */
  showTools(isLast) {
    this.question.querySelector(".turn-tools")?.remove();
    if (!isLast) return;
    this.question.append(h("div", { class: "turn-tools" },
      button("Edit", () => this.#edit(), { drawing: "edit", iconOnly: true, kind: "quiet" }),
      button("Ask again", () => this.on.retry(this.turn), { drawing: "retry", iconOnly: true, kind: "quiet" })));
  }

  /** A draft that was saved can be sent from here; sending is a request of its own. */
  #drawSaved(step, isLast) {
    if (step.effect !== "draft" || step.status !== "done" || !step.saved) return null;
    return h("div", { class: "saved row" },
      h("span", { class: "mark good" }, "Draft saved"),
      isLast && button("Send", () => this.on.send("Send it"), { drawing: "mail" }),
      h("a", { class: "button", href: `#/record/EmailMessage/${step.saved}` }, "Open draft"));
  }

  #edit() {
    const id = newId("edit");
    const words = h("textarea", { id, rows: "3", value: this.turn.question, onkeydown: (event) => {
      if (event.key === "Escape") { event.preventDefault(); back(); }
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
    } });
    const back = () => {
      this.drawQuestion();
      this.showTools(true);
      this.question.querySelector("button")?.focus();
    };
    const form = h("form", { class: "edit", onsubmit: (event) => {
      event.preventDefault();
      const text = words.value.trim();
      if (text) this.on.edit(this.turn, text);
    } }, h("label", { for: id, class: "unseen" }, "Your message"), words,
    h("div", { class: "row" }, h("button", { type: "submit", class: "button primary" }, "Ask this instead"), button("Cancel", back)));
    replace(this.question, form);
    words.focus();
    words.setSelectionRange(words.value.length, words.value.length);
  }

  // While it is at work

  begin() {
    this.isLive = true;
    this.turn.answers = [];
    this.turn.steps = [];
    this.trees.clear();
    this.body.replaceChildren();
    this.after.replaceChildren();
    this.showTools(false);
    this.element.setAttribute("aria-busy", "true");
    this.tell("Reading your request…", "working");
  }

  /** Takes in an event of the run's stream. */
  take({ name, data }) {
    if (name === "metadata" && data.attempt > 1) this.begin();
    if (name === "trees") this.#grow(data);
    if (name === "updates") {
      for (const [node, update] of Object.entries(data)) this.#step(node, update ?? {});
      this.steps.show(this.turn, { isAtWork: true });
    }
    if (name === "error") this.fail(data.message);
  }

  #grow({ id, keep, nodes }) {
    if (!this.trees.has(id)) {
      const body = h("div", { class: "answer-body growing" });
      this.trees.set(id, body);
      this.body.append(h("div", { class: "answer" }, body));
    }
    updateTree(this.trees.get(id), keep, nodes);
    this.state.replaceChildren();
  }

  #step(node, update) {
    if (node === "__interrupt__") return;
    if (update.route) {
      this.turn.route = update.route;
      this.turn.agent = update.route.kind === "agent" ? update.route.agent : this.turn.agent;
      this.tell("Working…", "working");
    }
    for (const message of update.messages ?? []) {
      for (const call of message.tool_calls ?? []) {
        if (this.turn.steps.some((step) => step.call_id === call.id)) continue;
        this.turn.steps.push({ call_id: call.id, tool: call.name, arguments: call.args, status: "working", took_ms: null, error: null, outside: false, computed: null });
      }
      const step = message.type === "tool" && this.turn.steps.find((one) => one.call_id === message.tool_call_id);
      if (step) {
        step.status = message.status === "success" ? "done" : "failed";
        step.took_ms = message.took_ms ?? null;
      }
    }
  }

  tell(text, kind) {
    replace(this.state, h("p", { class: `told ${kind}` }, kind === "working" && h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), text));
  }

  /** It ended without an answer. */
  fail(text) {
    this.element.removeAttribute("aria-busy");
    replace(this.state, h("p", { class: "told fault" }, text), button("Try again", () => this.on.retry(this.turn), { drawing: "retry" }));
  }
}
