// What a person says about a request: each in a dialog, with nothing chosen before they choose.

import { get, post } from "../lib/api.js";
import { confirm, openDialog } from "../lib/dialog.js";
import { h, newId } from "../lib/dom.js";
import { recordText } from "../lib/text.js";
import { reasonsToLook } from "./approval-card.js";
import { askForEdit } from "./approval-edit.js";

/** Sends a decision about exactly what was shown; answers when it has been acted on. */
export function decide(card, decision, more = {}) {
  return post(`/approvals/${card.approval_id}/decision?wait=true`, { decision, digest: card.digest, ...more });
}

/** For what is marked: true once the person says that they have looked. Plain requests need no question. */
export async function askToLook(card) {
  const reasons = reasonsToLook(card);
  if (!reasons.length) return true;
  const id = newId("looked");
  const looked = h("input", { type: "checkbox", id });
  const chosen = await openDialog({
    title: "Look twice before you approve",
    body: [h("ul", {}, reasons.map((one) => h("li", {}, recordText(one)))), h("div", { class: "row" }, looked, h("label", { for: id }, "I have looked at what is marked"))],
    actions: [
      { label: "Back", value: false },
      { label: "Approve", kind: "primary", value: () => {
        if (!looked.checked) throw new Error("Say first that you have looked at what is marked.");
        return true;
      } },
    ],
  });
  return chosen === true;
}

/** Asks for words and does `work(words)` with them; gives what it gives, or null. */
export function askForWords({ title, label, hint, action, kind = "primary", work }) {
  const id = newId("words");
  const words = h("textarea", { id, rows: "4", maxlength: "2000", required: true, "aria-describedby": `${id}-hint`, onkeydown: (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) words.form.requestSubmit();
  } });
  return openDialog({
    title,
    body: [h("div", { class: "field" }, h("label", { for: id }, label), words, h("p", { class: "small quiet-text", id: `${id}-hint` }, `${hint} Ctrl+Enter sends.`))],
    actions: [
      { label: "Back", value: null },
      { label: action, kind, value: () => {
        if (!words.value.trim()) throw new Error(`${label}: say something.`);
        return work(words.value.trim());
      } },
    ],
  });
}

export const reject = (card) => askForWords({ title: "Reject this request", label: "Why", hint: "The requester and the copilot read it.", action: "Reject", kind: "danger", work: (reason) => decide(card, "reject", { reason }) });

export const respond = (card) => askForWords({ title: "Respond instead of deciding", label: "Your answer", hint: "The copilot reads it as your words and goes on. Nothing is written, and this request closes.", action: "Respond", work: (text) => decide(card, "answer", { text }) });

export async function recall(card) {
  const sure = await confirm({ title: "Recall this request", text: "It closes, and nothing is written.", label: "Recall", danger: true });
  return sure ? decide(card, "recall") : null;
}

/** What comes back is a new request. */
export const edit = (card) => askForEdit(card, (changed) => decide(card, "edit", { arguments: changed }));

/** Puts the request before somebody who may decide it. */
export async function reassign(card) {
  const [searchId, peopleId] = [newId("search"), newId("people")];
  const people = h("select", { id: peopleId, size: "6" });
  const note = h("p", { class: "small quiet-text", role: "status" });
  let latest = 0;
  const look = async () => {
    const turn = (latest += 1);
    const found = await get(`/approvals/${card.approval_id}/candidates`, { name: search.value.trim() });
    if (turn !== latest) return;
    people.replaceChildren(...found.people.map((one) => h("option", { value: one.id }, one.name)));
    note.textContent = found.people.length ? (found.is_cut ? "There are more: type a name." : "") : "Nobody of this name may decide this request.";
  };
  let timer = 0;
  const search = h("input", { id: searchId, type: "search", autocomplete: "off", oninput: () => { window.clearTimeout(timer); timer = window.setTimeout(look, 200); } });
  await look();
  return openDialog({
    title: "Put it before somebody",
    body: [
      h("div", { class: "field" }, h("label", { for: searchId }, "Find"), search),
      h("div", { class: "field" }, h("label", { for: peopleId }, "Who may decide it"), people, note),
      h("p", { class: "small quiet-text" }, "Others who may decide still can."),
    ],
    actions: [
      { label: "Back", value: null },
      { label: "Put before them", kind: "primary", value: () => {
        if (!people.value) throw new Error("Choose somebody.");
        return post(`/approvals/${card.approval_id}/reassign`, { to: people.value });
      } },
    ],
  });
}

export const repropose = (card) => post(`/approvals/${card.approval_id}/repropose`);
