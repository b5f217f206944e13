// What an entry of the audit is about and what was entered, in words, with names in the place of ids.

import { h } from "../lib/dom.js";
import { formatFieldName, formatValue, neutralise } from "../lib/format.js";
import { isId, nameOf, recordLink } from "../lib/names.js";
import { inWords } from "../lib/page.js";
import { recordText } from "../lib/text.js";

const DEEPEST = 4;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const toRequest = (id) => `#/approvals/${encodeURIComponent(id)}?view=all`;
const toRun = (id) => `#/ledger/run/${encodeURIComponent(id)}`;

/** By the first part of a kind: what its subject is, and where that can be looked at. */
const SUBJECTS = {
  approval: ["Request", toRequest], effect: ["Request", toRequest],
  turn: ["Run", toRun], run: ["Run", toRun], workflow: ["Run", toRun], call: ["Run", toRun], code: ["Run", toRun],
  thread: ["Conversation"], feedback: ["Conversation"], session: ["Session"], mail: ["E-mail"], webhook: ["Webhook"],
  alert: ["Alert"], api_key: ["Key"], delegation: ["Delegation"], schedule: ["Schedule"], trigger: ["Trigger"],
  foreign: ["Server of tools"], preapproval: ["Pre-approval"],
};

const KINDS = new Map([["switch.on", "Stopped"], ["switch.off", "Let go on"], ["session.begun", "Signed in"], ["session.ended", "Signed out"]]);

/** "approval.requested" -> "Approval requested". */
export function kindInWords(kind) {
  return KINDS.get(kind) ?? inWords(kind).replace(/^Api /, "API ");
}

/** The ids in an entry whose names should be learned before it is drawn. */
export function idsOf(entry) {
  return [entry.actor, entry.subject, ...idsWithin(entry.payload)];
}

function idsWithin(part) {
  if (isId(part)) return [part];
  return part !== null && typeof part === "object" ? Object.values(part).flatMap(idsWithin) : [];
}

/** "Request: Update record" with a link to it; "Agent marketing"; a record's or a person's name. */
export function aboutOf({ kind, subject, payload }) {
  if (isId(subject) && nameOf(subject)) return recordLink(subject);
  const group = kind.split(".")[0];
  if (group === "switch") {
    const [scope, ...name] = subject.split(":");
    return scope === "tenant" ? "The whole copilot" : `${inWords(scope)} ${inWords(name.join(":")).toLowerCase()}`;
  }
  const version = /^policy-(\d+)$/.exec(subject);
  if (version) return `Version ${version[1]} of the policy`;
  if (!(group in SUBJECTS)) return /^[a-z][a-z_]*$/.test(subject) ? inWords(subject) : idOf(subject);
  const [what, addressOf] = SUBJECTS[group];
  const tool = payload?.tool ?? payload?.agent ?? payload?.route?.agent;
  const words = typeof tool === "string" ? `${what}: ${inWords(neutralise(tool))}` : what;
  return [addressOf ? h("a", { href: addressOf(subject) }, words) : words, " ", idOf(subject)];
}

/** The first part of a long id; all of it is its tip. */
function idOf(id) {
  const text = neutralise(id);
  return h("code", { class: "id", title: text }, UUID.test(text) ? text.slice(0, 8) : text);
}

/** What was entered, by name. */
export function payloadOf(payload) {
  const parts = Object.entries(payload);
  if (!parts.length) return h("p", { class: "small quiet-text" }, "Nothing besides.");
  return h("dl", { class: "payload" }, parts.map(([name, one]) => h("div", {}, h("dt", { title: neutralise(name) }, inWords(neutralise(name))), h("dd", {}, drawPart(one)))));
}

function drawPart(one, depth = 0) {
  if (one === null || one === "") return "—";
  if (typeof one === "string") {
    if (isId(one) && nameOf(one)) return recordLink(one);
    return UUID.test(one) ? h("code", { class: "id" }, one) : recordText(one, { limit: 300 });
  }
  if (typeof one !== "object") return formatValue(one);
  if (depth >= DEEPEST) return recordText(JSON.stringify(one), { limit: 300 });
  if (typeof one.object === "string" && typeof one.id === "string") return [`${formatFieldName(one.object)} `, recordLink(one.id, { object: one.object }), one.version === undefined ? null : ` (version ${formatValue(one.version)})`];
  const parts = Object.entries(one);
  if (!parts.length) return "None";
  return h("ul", { class: "plain" }, parts.map(([name, part]) => h("li", {}, Array.isArray(one) ? null : h("span", { class: "quiet-text" }, `${inWords(formatFieldName(name))}: `), drawPart(part, depth + 1))));
}
