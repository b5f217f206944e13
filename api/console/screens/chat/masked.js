// What a model is shown of the conversation: masked, with handles in the place of outsiders' words.

import { get } from "../../lib/api.js";
import { h, replace } from "../../lib/dom.js";
import { neutralise } from "../../lib/format.js";
import { toolName } from "./words.js";

const HIDDEN = /(<<[A-Z_]+:[A-Z2-7]{10}>>|⟦[A-Z]+:[A-Z2-7]+⟧)/;
const WHO = { system: "Instructions of the service", human: "You", ai: "Copilot", tool: "Result of a tool" };
const LONG = 4_000;

export async function drawMasked(place, threadId) {
  replace(place, h("p", { class: "quiet-text" }, "Loading…"));
  try {
    const messages = await get(`/threads/${threadId}/prompt`);
    replace(place,
      h("p", { class: "notice small" }, "This is what a language model is given of this conversation: placeholders stand for names, addresses and numbers of people, handles for what outsiders wrote."),
      messages.length ? messages.map(drawMessage) : h("p", { class: "empty" }, "No model has seen anything of this conversation yet."));
  } catch (problem) {
    replace(place, h("p", { class: "fault", role: "alert" }, problem.message));
  }
}

function drawMessage(message, place) {
  const calls = message.calls.map((call) => `${toolName(call.name)} ${JSON.stringify(call.args, null, 1)}`);
  const text = [message.text, ...calls].filter(Boolean).join("\n\n");
  const shown = h("div", { class: "masked-text" }, mark(text.slice(0, LONG)), text.length > LONG && "…");
  if (message.kind !== "system") return h("section", { class: `masked ${message.kind}`, "aria-label": `${WHO[message.kind] ?? message.kind}, message ${place + 1}` }, h("h2", {}, WHO[message.kind] ?? message.kind), shown);
  return h("details", { class: "masked system" }, h("summary", {}, WHO.system), shown);
}

function mark(text) {
  return neutralise(text).split(HIDDEN).map((part, at) => (at % 2 ? h("mark", {}, part) : part));
}
