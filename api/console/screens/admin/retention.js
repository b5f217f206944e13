// How long conversations and texts to models are kept.

import { get, put } from "../../lib/api.js";
import { confirm, notify } from "../../lib/dialog.js";
import { button, h, newId } from "../../lib/dom.js";

export function draw(place, screen) {
  const again = () => screen.fill(place, (signal) => load(signal, again));
  return again();
}

async function load(signal, again) {
  const kept = await get("/retention", null, { signal });
  const ids = { conversations: newId("days"), prompts: newId("days") };
  const conversations = h("input", { id: ids.conversations, type: "number", min: "1", max: "36500", step: "1", value: kept.conversation_days ?? "", placeholder: "For ever", "aria-describedby": `${ids.conversations}-about` });
  const prompts = h("input", { id: ids.prompts, type: "number", min: "0", max: "36500", step: "1", required: true, value: kept.prompt_days, "aria-describedby": `${ids.prompts}-about` });
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const save = async (event) => {
    event.preventDefault();
    fault.hidden = true;
    const days = conversations.value === "" ? null : Number(conversations.value);
    const text = days === null ? "Conversations are kept for ever." : `Conversations that nobody has touched for ${days} days are erased within the hour, for good. Records, ledger and audit stay.`;
    if (!await confirm({ title: "Change the retention", text, label: "Change", danger: days !== null })) return;
    try {
      await put("/retention", { conversation_days: days, prompt_days: Number(prompts.value) });
      notify("Changed.");
      again();
    } catch (problem) {
      fault.textContent = problem.message;
      fault.hidden = false;
    }
  };
  return h("form", { class: "card stack narrow", "aria-label": "Retention", onsubmit: save },
    h("h2", {}, "Retention"),
    h("div", { class: "field" }, h("label", { for: ids.conversations }, "Days for conversations"), h("p", { class: "small quiet-text", id: `${ids.conversations}-about` }, "So long after it was last touched, a conversation is erased. Empty: never."), conversations),
    h("div", { class: "field" }, h("label", { for: ids.prompts }, "Days for texts to and from models"), h("p", { class: "small quiet-text", id: `${ids.prompts}-about` }, "0: they are not stored."), prompts),
    fault, h("div", { class: "row" }, button("Save…", null, { type: "submit", kind: "primary" })));
}
