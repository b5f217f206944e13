// Taking back what was written: a preview of exactly what would happen, and the digest of that preview.

import { post } from "../lib/api.js";
import { notify, openDialog } from "../lib/dialog.js";
import { h } from "../lib/dom.js";
import { drawFieldName, drawValue, verbOf } from "../lib/provenance.js";
import { recordText } from "../lib/text.js";

/** `subject`: { entry_id } or { run_id }. True if something was taken back or somebody is asked. */
export async function takeBack(subject) {
  let preview;
  try {
    preview = await post("/ledger/undo/preview", subject);
  } catch (problem) {
    notify(problem.message, { kind: "fault" });
    return false;
  }
  const can = preview.entries.some((one) => one.way !== "refused");
  const told = await openDialog({
    title: can ? "Take this back?" : "This cannot be taken back",
    size: "wide",
    body: [h("p", { tabindex: "-1", autofocus: true }, can ? "Each is taken back whole or stays. It is entered in the ledger, and can itself be taken back." : "Nothing is changed."), h("ol", { class: "undo" }, preview.entries.map(drawPlan))],
    actions: can
      ? [{ label: "Keep it", value: null }, { label: "Take back", kind: "danger", value: () => send(subject, preview.digest) }]
      : [{ label: "Close", value: null }],
  });
  if (!told) return false;
  const words = [told.done.length && `${told.done.length} taken back`, told.asked.length && `${told.asked.length} wait for a second person`, told.refused.length && `${told.refused.length} stay`].filter(Boolean);
  notify(words.join(", "), { kind: told.done.length || told.asked.length ? "" : "fault" });
  return told.done.length + told.asked.length > 0;
}

function send(subject, digest) {
  if (subject.entry_id) return post(`/ledger/${subject.entry_id}/undo`, { digest });
  return post("/ledger/undo", { run_id: subject.run_id, digest });
}

function drawPlan(plan) {
  return h("li", {},
    plan.way === "asks" && h("p", { class: "notice" }, "A second person is asked first: ", recordText(plan.reason ?? "")),
    plan.steps.map((step) => h("div", {},
      h("p", {}, step.operation ? `${verbOf(step.operation)} ` : "", recordText(step.name ?? step.id ?? "a record that you may not see", { limit: 160 })),
      step.refused
        ? h("p", { class: "fault" }, "Stays: ", recordText(step.refused.message))
        : h("ul", { class: "effect" }, step.fields.map((one) => h("li", {}, drawFieldName(one.field), ": ", h("del", { class: "old" }, drawValue(one.old, { limit: 160 })), " → ", h("ins", { class: "new" }, drawValue(one.new, { limit: 160 }))))))));
}
