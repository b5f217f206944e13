// How an answer came about: who was asked, which tools ran with what, how long each took.

import { h, icon, replace } from "../../lib/dom.js";
import { formatDuration, formatNumber, formatValue } from "../../lib/format.js";
import { outsideMark } from "../../lib/text.js";
import { agentName, STATES, toolName } from "./words.js";

const DRAWINGS = { done: "check", failed: "close", denied: "close", waiting: "shield", working: "more" };

/** The steps of a turn. They are always in sight as a line; opened, they say all. */
export class Steps {
  constructor() {
    this.line = h("span", { class: "steps-line" });
    this.list = h("ol", { class: "steps-list" });
    this.summary = h("summary", {}, this.line);
    this.element = h("details", { class: "steps", hidden: true }, this.summary, this.list);
  }

  /** `turn`: agent, route, steps and took_ms, as the service says, or as much of it as is known by now. */
  show(turn, { isAtWork = false } = {}) {
    const { steps } = turn;
    this.element.hidden = !turn.agent && !steps.length && !turn.route;
    this.element.classList.toggle("at-work", isAtWork);
    const chips = steps.map((step) => h("span", { class: `step-chip ${step.status}` }, icon(DRAWINGS[step.status]), toolName(step.tool), step.took_ms !== null && h("span", { class: "quiet-text" }, formatDuration(step.took_ms))));
    replace(this.line, h("strong", {}, turn.agent ? agentName(turn.agent) : "No agent"), chips,
      isAtWork ? h("span", { class: "quiet-text" }, "working…") : turn.took_ms !== null && turn.took_ms !== undefined && h("span", { class: "quiet-text" }, `${formatDuration(turn.took_ms)} in all`));
    replace(this.list, turn.route && h("li", {}, h("strong", {}, "Route"), " ", `${routeName(turn.route)}${turn.route.reason ? `, ${turn.route.reason}` : ""}`), steps.map(drawStep));
  }
}

function routeName(route) {
  const names = { clarify: "asked back", off_topic: "outside the copilot's field", escalate: "handed to a person", restricted: "for staff only" };
  return route.kind === "agent" ? `to ${agentName(route.agent)}` : names[route.kind] ?? String(route.kind);
}

function drawStep(step) {
  const given = Object.entries(step.arguments ?? {});
  return h("li", { class: `step ${step.status}` },
    h("p", {}, h("strong", {}, toolName(step.tool)), " ", h("span", { class: "mark" }, STATES[step.status]), step.took_ms !== null && ` ${formatDuration(step.took_ms)}`, " ", step.outside && outsideMark()),
    given.length > 0 && h("dl", { class: "given" }, given.map(([name, value]) => h("div", {}, h("dt", {}, toolName(name)), h("dd", { class: "record-text" }, cut(formatValue(value)))))),
    step.error && h("p", { class: "fault record-text" }, cut(step.error)),
    step.computed && h("p", { class: "quiet-text" }, `${formatNumber(step.computed.records_counted)} records counted`));
}

function cut(text) {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
