// How long conversations and texts to models are kept.

import { get, put } from "../../lib/api.js";
import { confirm, notify } from "../../lib/dialog.js";
import { button, h } from "../../lib/dom.js";
import { Field, submit } from "../../lib/fields.js";
import { plural } from "../../lib/page.js";

const LONGEST_DAYS = "36500";

export function draw(place, screen) {
  const again = () => screen.fill(place, (signal) => load(signal, again));
  return again();
}

async function load(signal, again) {
  const kept = await get("/retention", null, { signal });
  const conversations = new Field({ name: "conversation_days", label: "Days for conversations", hint: "So long after it was last touched, a conversation is erased. Empty: never.",
    input: h("input", { type: "number", min: "1", max: LONGEST_DAYS, step: "1", value: kept.conversation_days ?? "", placeholder: "For ever" }) });
  const prompts = new Field({ name: "prompt_days", label: "Days for texts to and from models", hint: "The most that anything may keep them; 0: not at all. The service itself stores none.",
    input: h("input", { type: "number", min: "0", max: LONGEST_DAYS, step: "1", required: true, value: kept.prompt_days }) });
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const save = async (event) => {
    event.preventDefault();
    fault.hidden = true;
    try {
      const done = await submit([conversations, prompts], () => change(kept, { conversation_days: conversations.value === "" ? null : Number(conversations.value), prompt_days: Number(prompts.value) }));
      if (done) again();
    } catch (problem) {
      fault.textContent = problem.message;
      fault.hidden = false;
    }
  };
  return h("form", { class: "card stack narrow", "aria-label": "Retention", novalidate: true, onsubmit: save },
    h("h2", {}, "Retention"), conversations.element, prompts.element, fault,
    h("div", { class: "row" }, button("Save…", null, { type: "submit", kind: "primary" })));
}

/** Says what would become of what is there, asks, and changes it. Whether it did. */
async function change(kept, wanted) {
  const said = [];
  let loses = false;
  if (wanted.conversation_days !== kept.conversation_days) {
    const days = wanted.conversation_days;
    loses ||= days !== null && (kept.conversation_days === null || days < kept.conversation_days);
    said.push(days === null ? "Conversations are kept for ever." : `Conversations that nobody has touched for ${plural(days, "day")} are erased within the hour, for good. Records, ledger and audit stay.`);
  }
  if (wanted.prompt_days !== kept.prompt_days) {
    said.push(wanted.prompt_days === 0 ? "Texts to and from models may not be stored." : `Texts to and from models may be kept for ${plural(wanted.prompt_days, "day")} at most.`);
  }
  if (!said.length) {
    notify("Nothing was changed.");
    return false;
  }
  if (!await confirm({ title: "Change the retention", text: `${said.join(" ")} The change is an entry of the audit.`, label: "Change", danger: loses })) return false;
  await put("/retention", wanted);
  notify("Changed.");
  return true;
}
