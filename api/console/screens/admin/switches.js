// Kill switches: what is stopped, stopping something, and letting it go on.

import { get, post } from "../../lib/api.js";
import { notify, openDialog } from "../../lib/dialog.js";
import { button, h, newId } from "../../lib/dom.js";
import { formatInstant } from "../../lib/format.js";
import { learnNames, person } from "../../lib/names.js";
import { ago, inWords, mark, table } from "../../lib/page.js";
import { recordText } from "../../lib/text.js";

const STOPS = {
  tenant: "the whole copilot of your organisation: questions, workflows, and approved writes that were not carried out yet. Approved mail waits.",
  agent: "asking this agent, its calls, and its approved changes.",
  tool: "calls of this tool, and approved changes made with it.",
};

export function draw(place, screen) {
  const again = () => screen.fill(place, (signal) => load(signal, again));
  return again();
}

async function load(signal, again) {
  const switches = await get("/admin/switches", null, { signal });
  await learnNames(switches.map((one) => one.changed_by), signal);
  const stopping = switches.filter((one) => one.is_stopping);
  const rest = switches.filter((one) => !one.is_stopping);
  return [
    h("p", { class: "quiet-text" }, "A switch stops at once, in every process: what began before it ends at its next step. Taking back what was written stays possible."),
    h("section", { class: "stack", "aria-labelledby": "sw-now" },
      h("div", { class: "page-head" }, h("h2", { id: "sw-now" }, "Stopped now"), button("Stop something…", () => throwOne(again), { kind: "danger", drawing: "stop" })),
      stopping.length ? stopping.map((one) => cardOf(one, again)) : h("p", { class: "card notice-calm" }, "Nothing is stopped.")),
    rest.length ? h("section", { class: "stack", "aria-labelledby": "sw-then" }, h("h2", { id: "sw-then" }, "Before"),
      table({ label: "Switches that stop nothing now", columns: ["What", "Why", "By", "When"], rows: rest.map((one) => [nameOf(one), recordText(one.reason), person(one.changed_by), ago(one.changed_at)]) })) : null,
  ];
}

function nameOf({ scope, name }) {
  if (scope === "tenant") return "The whole copilot";
  if (scope === "global") return "The whole service, by its operator";
  return `${inWords(scope)} ${inWords(name).toLowerCase()}`;
}

function cardOf(one, again) {
  return h("article", { class: "card switch-card" },
    h("div", { class: "row" }, h("h3", {}, nameOf(one)), mark("Stopped", "bad")),
    h("p", {}, recordText(one.reason)),
    h("p", { class: "small quiet-text" }, "By ", person(one.changed_by), ", ", ago(one.changed_at), one.until ? `, until ${formatInstant(one.until)}` : ""),
    one.scope === "global" ? h("p", { class: "small" }, "Only the operator can lift it, on the machine.")
      : h("div", { class: "row" }, button("Let it go on…", () => lift(one, again))));
}

async function throwOne(again) {
  const agents = await get("/admin/switches/targets");
  const ids = { scope: newId("scope"), name: newId("name"), reason: newId("reason"), until: newId("until") };
  const name = h("select", { id: ids.name });
  const nameField = h("div", { class: "field", hidden: true }, h("label", { for: ids.name }, "Which"), name);
  const stops = h("p", { class: "notice", "aria-live": "polite" });
  const scope = h("select", { id: ids.scope, onchange: () => choose() }, ["tenant", "agent", "tool"].map((one) => h("option", { value: one }, one === "tenant" ? "The whole copilot" : `One ${one}`)));
  const choose = () => {
    const names = agents[`${scope.value}s`] ?? [];
    nameField.hidden = names.length === 0;
    name.replaceChildren(...names.map((one) => h("option", { value: one }, inWords(one))));
    stops.textContent = `This stops ${STOPS[scope.value]}`;
  };
  choose();
  const reason = h("textarea", { id: ids.reason, rows: "2", required: true, maxlength: "300" });
  const until = h("input", { id: ids.until, type: "datetime-local" });
  const done = await openDialog({ title: "Stop something", body: [
    h("div", { class: "field" }, h("label", { for: ids.scope }, "What"), scope), nameField, stops,
    h("div", { class: "field" }, h("label", { for: ids.reason }, "Reason"), h("p", { class: "small quiet-text" }, "Told to everybody whose work it stops."), reason),
    h("div", { class: "field" }, h("label", { for: ids.until }, "Until ", h("span", { class: "quiet-text optional" }, "optional")), until),
  ], actions: [{ label: "Cancel", value: null }, { label: "Stop it now", kind: "danger", value: async () => {
    if (!reason.value.trim()) throw new Error("Give a reason.");
    return post("/admin/switches", { scope: scope.value, name: nameField.hidden ? "" : name.value, state: "on", reason: reason.value.trim(), until: until.value ? new Date(until.value).toISOString() : null });
  } }] });
  if (!done) return;
  notify("Stopped.");
  again();
}

async function lift(one, again) {
  const id = newId("reason");
  const reason = h("textarea", { id, rows: "2", required: true, maxlength: "300" });
  const done = await openDialog({ title: `Let it go on: ${nameOf(one)}`, body: [
    h("p", {}, `From now on again: ${STOPS[one.scope]} Requests that waited can be approved.`),
    h("div", { class: "field" }, h("label", { for: id }, "Reason"), reason),
  ], actions: [{ label: "Cancel", value: null }, { label: "Let it go on", kind: "primary", value: async () => {
    if (!reason.value.trim()) throw new Error("Give a reason.");
    return post("/admin/switches", { scope: one.scope, name: one.name, state: "off", reason: reason.value.trim() });
  } }] });
  if (!done) return;
  notify("It goes on.");
  again();
}
