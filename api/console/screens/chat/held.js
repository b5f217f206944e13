// Something that waits for a person: what would change or be sent, and what the caller may do about it.

import { get, post } from "../../lib/api.js";
import { button, h, newId, replace } from "../../lib/dom.js";
import { confirm, notify, openDialog } from "../../lib/dialog.js";
import { formatAgo, formatFieldName, formatValue, titleInWords } from "../../lib/format.js";
import { drawCall, drawMessage } from "../../lib/leaving.js";
import { verbOf } from "../../lib/provenance.js";
import { recordText } from "../../lib/text.js";

const LETTER = { ToIds: "To", CcAddress: "Cc", Subject: "Subject", TextBody: "Message", HtmlBody: "Message" };
const EDITABLE = { subject: "Subject", body: "Message" };

/** The card of a request, which draws itself. `ondecided` is told the run that acts on the decision, or null. */
export function drawHeld(approvalId, ondecided) {
  const place = h("section", { class: "held card", "aria-label": "Waits for a decision" }, h("p", { class: "quiet-text" }, "Loading what waits for a decision…"));
  showCard(place, approvalId, ondecided);
  return place;
}

async function showCard(place, approvalId, ondecided) {
  let card;
  try {
    card = await get(`/approvals/${approvalId}`);
  } catch (problem) {
    replace(place, h("p", { class: "fault" }, problem.message));
    return;
  }
  const letter = card.card.changes.find((change) => change.object === "EmailMessage" && change.operation === "create");
  const words = wordsFor(card, letter);
  const decide = async (decision, more = {}) => {
    const answer = await post(`/approvals/${approvalId}/decision`, { decision, digest: card.digest, ...more });
    ondecided(answer.run_id);
  };
  const act = async (work) => {
    for (const one of place.querySelectorAll("button")) one.disabled = true;
    try {
      await work();
    } catch (problem) {
      notify(problem.message, { kind: "fault" });
      await showCard(place, approvalId, ondecided);
    }
  };
  const may = (way) => card.ways.includes(way);
  const canEdit = may("edit") && Object.keys(EDITABLE).some((name) => typeof card.arguments[name] === "string");
  replace(place,
    h("div", { class: "held-head" }, h("span", { class: "mark warn" }, words.state), h("h2", {}, letter ? "E-mail" : recordText(titleInWords(card.card.title), { limit: 160 }))),
    letter && drawLetter(letter, card),
    card.card.changes.filter((change) => change !== letter).map((change) => drawChange(change, card)),
    card.card.message && drawMessage(card.card.message, { outside: card.is_external !== false }),
    card.card.call && drawCall(card.card.call),
    card.card.warnings.map((warning) => h("p", { class: "notice small" }, recordText(warning))),
    h("p", { class: "quiet-text small" }, `${may("approve") ? "You may decide this." : "Somebody else has to decide this."} It expires ${formatAgo(card.expires_at)}.`),
    h("div", { class: "row" },
      may("approve") && button(words.approve, () => act(() => decide("approve")), { kind: "primary" }),
      canEdit && button("Edit", () => edit(card, decide)),
      may("recall") ? button("Dismiss", () => act(() => dismiss(decide))) : may("reject") && button("Reject", () => act(() => reject(decide))),
      h("a", { class: "button", href: `#/approvals/${approvalId}` }, "Open in approvals")));
  place.dispatchEvent(new CustomEvent("drawn", { bubbles: true }));
}

function wordsFor(card, letter) {
  if (card.tool.startsWith("send_")) return { state: "Not sent yet", approve: "Send" };
  if (letter) return { state: "Draft, not saved yet", approve: "Save draft" };
  return { state: "Waits for a decision", approve: "Approve" };
}

async function dismiss(decide) {
  const sure = await confirm({ title: "Dismiss this request?", text: "It is withdrawn, and nothing is changed.", label: "Dismiss" });
  if (!sure) throw new Error("Nothing was dismissed.");
  await decide("recall");
}

async function reject(decide) {
  const id = newId("why");
  const input = h("textarea", { id, rows: "3", maxlength: "2000" });
  const done = await openDialog({ title: "Reject this request?", body: [h("div", { class: "field" }, h("label", { for: id }, "Reason"), input)], actions: [{ label: "Cancel", value: null }, { label: "Reject", kind: "danger", value: async () => { await decide("reject", { reason: input.value.trim() || null }); return true; } }] });
  if (!done) throw new Error("Nothing was rejected.");
}

function edit(card, decide) {
  const inputs = {};
  const fields = Object.entries(EDITABLE).filter(([name]) => typeof card.arguments[name] === "string").map(([name, label]) => {
    const id = newId(name);
    inputs[name] = name === "body" ? h("textarea", { id, rows: "10", value: card.arguments[name] }) : h("input", { id, type: "text", value: card.arguments[name] });
    return h("div", { class: "field" }, h("label", { for: id }, label), inputs[name]);
  });
  return openDialog({
    title: "Edit the message",
    size: "wide",
    body: [...fields, h("p", { class: "quiet-text small" }, "An edited request is a new one: it is checked again and waits itself.")],
    actions: [
      { label: "Cancel", value: null },
      { label: "Save changes", kind: "primary", value: async () => {
        const given = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value]));
        await decide("edit", { arguments: { ...card.arguments, ...given } });
        return true;
      } },
    ],
  });
}

function drawLetter(change, card) {
  const shown = change.fields.filter((field) => field.field in LETTER && field.new);
  return h("dl", { class: "letter" }, shown.map((field) => h("div", {}, h("dt", {}, LETTER[field.field]), h("dd", {}, drawNew(field, card)))));
}

function drawChange(change, card) {
  return h("div", { class: "change" },
    card.card.changes.length > 1 && h("p", { class: "quiet-text small" }, `${verbOf(change.operation)} ${formatFieldName(change.object)}`),
    h("dl", { class: "letter" }, change.fields.map((field) => h("div", {},
      h("dt", {}, formatFieldName(field.field)),
      h("dd", {}, change.operation !== "create" && [h("del", {}, recordText(named(field.old, card), { limit: 120 })), " → "], drawNew(field, card))))));
}

function drawNew(field, card) {
  const isOutside = field.source?.integrity === "external";
  return h("ins", {}, recordText(named(field.new, card), { outside: isOutside, limit: 1200 }));
}

function named(value, card) {
  return typeof value === "string" && card.names[value] ? card.names[value] : formatValue(value);
}
