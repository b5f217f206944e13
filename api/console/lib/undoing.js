// Taking back what was written: shows what would be taken back and what stays, and does exactly that.

import { post } from "./api.js";
import { notify, openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { formatFieldName, rightsInWords } from "./format.js";
import { idsIn, learnNames, recordLink, value } from "./names.js";
import { mark, plural } from "./page.js";
import { verbOf } from "./provenance.js";

const WAYS = { now: ["Will be taken back", "good"], asks: ["Needs a second person", "warn"], refused: ["Stays", "bad"] };

/** Asks and takes back an entry (`entry_id`) or all that a run wrote (`run_id`). Says whether anything was done. */
export async function takeBack(subject, { title }) {
  let preview;
  try {
    preview = await post("/ledger/undo/preview", subject);
  } catch (problem) {
    notify(problem.message, { kind: "fault" });
    return false;
  }
  await learnNames(preview.entries.flatMap((entry) => entry.steps.flatMap((step) => [step.id, ...step.fields.flatMap((one) => idsIn(one))])));
  const some = preview.entries.filter((one) => one.way !== "refused");
  const actions = some.length
    ? [{ label: "Cancel", value: null }, { label: some.every((one) => one.way === "asks") ? "Ask for it" : "Take back", kind: "danger", value: () => carryOut(subject, preview.digest) }]
    : [{ label: "Close", value: null }];
  const done = await openDialog({ title, size: "wide", body: [
    h("p", { class: "quiet-text", tabindex: "-1", autofocus: true }, summaryOf(preview.entries)),
    h("ol", { class: "undo-plan" }, preview.entries.map(planOf)),
  ], actions });
  if (done) tell(done);
  return done !== null;
}

function carryOut(subject, digest) {
  if (subject.entry_id) return post(`/ledger/${subject.entry_id}/undo`, { digest });
  return post("/ledger/undo", { run_id: subject.run_id, digest });
}

function summaryOf(entries) {
  const counts = Object.entries(WAYS).map(([way, [words]]) => [words.toLowerCase(), entries.filter((one) => one.way === way).length]).filter(([, count]) => count);
  return `${plural(entries.length, "write")}: ${counts.map(([words, count]) => `${count} ${words}`).join(", ")}.`;
}

function planOf(entry) {
  const [words, kind] = WAYS[entry.way] ?? [entry.way, ""];
  return h("li", {}, h("p", {}, mark(words, kind), entry.reason && h("span", { class: "small" }, ` ${rightsInWords(entry.reason)}`)), h("ul", { class: "undo-steps" }, entry.steps.map(stepOf)));
}

function stepOf(step) {
  const what = step.object ? [`${formatFieldName(step.object)} `, recordLink(step.id, { object: step.object, name: step.name })] : "A record that you may not see";
  return h("li", {}, h("p", {}, step.operation ? h("strong", {}, `${verbOf(step.operation)} `) : null, what),
    step.refused && refusalOf(step.refused),
    step.fields.length ? h("ul", { class: "field-changes" }, step.fields.map((one) => h("li", {}, h("span", { class: "quiet-text" }, `${formatFieldName(one.field)}: `), value(one.old), " → ", value(one.new)))) : null);
}

function refusalOf(refused) {
  return h("div", { class: "notice small" }, h("p", {}, rightsInWords(refused.message)),
    refused.fields.length ? h("ul", {}, refused.fields.map((one) => h("li", {}, `${formatFieldName(one.field)}: written `, value(one.wrote), ", now ", value(one.now)))) : null);
}

function tell(done) {
  const parts = [
    done.done.length && `${plural(done.done.length, "write")} taken back`,
    done.asked.length && `${plural(done.asked.length, "request")} made`,
    done.refused.length && `${plural(done.refused.length, "change")} stayed: ${rightsInWords(done.refused[0].refused.message)}`,
  ].filter(Boolean);
  const asked = done.asked[0]?.approval_id;
  notify(`${parts.join("; ")}.`, { kind: done.done.length || asked ? "" : "fault", action: asked ? { label: "Open the request", run: () => { window.location.hash = `#/approvals/${asked}`; } } : null });
}
