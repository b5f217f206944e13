// Making keys and service principals. A key is shown once: nobody can show it again.

import { get, post } from "../../lib/api.js";
import { notify, openDialog } from "../../lib/dialog.js";
import { button, h } from "../../lib/dom.js";
import { Boxes, Field, submit } from "../../lib/fields.js";
import { PersonFinder } from "../../lib/finder.js";
import { formatDay, neutralise } from "../../lib/format.js";
import { session } from "../../lib/session.js";
import { gives, setChoices } from "./rights.js";

const LONGEST_DAYS = 366;
const SCOPES = {
  "crm:read": "Look at records, and talk to the copilot",
  "crm:write": "Ask for changes of records",
  "crm:send": "Ask for messages to be sent",
  "knowledge:read": "Look things up in articles",
  "approvals:decide": "Decide on requests: approve and reject in the name of whom it acts as",
  "audit:read": "Read the audit and the ledger",
  "code:run": "Have code written and tried",
  "policy:manage": "Change the policy and stop the copilot",
  "gateway:manage": "Change models, budgets and webhooks",
  "data:erase": "Erase conversations and change the retention",
  "directory:write": "Keep people and groups in step with your directory",
};
/** In the name of a person who did not make it, a key may only read. */
const AS_OTHERS = new Set(["crm:read", "knowledge:read"]);
const OTHER = "other";

/** Asks what the key is for, makes it and shows it. `actor`: the service principal that it is to act as. */
export async function makeKey(again, actor = null) {
  const principals = actor ? [actor] : await get("/admin/people", { kind: "service", is_active: true, limit: 200 });
  const name = new Field({ name: "name", label: "What it is for", input: h("input", { type: "text", maxlength: "80", required: true, autocomplete: "off" }) });
  const who = new Field({ name: "acts_as", label: "Acts as", hint: "It has the rights of whom it acts as, as they are at each request.", input: h("select", { onchange: () => choose() },
    actor ? null : h("option", { value: "" }, "Myself"), principals.map((one) => h("option", { value: one.id }, neutralise(one.name))), actor ? null : h("option", { value: OTHER }, "Another person, only to read…")) });
  const person = new PersonFinder({ name: "acts_as", label: "Person" });
  const scopes = new Boxes({ name: "scopes", label: "May be used for", atLeast: 1, hint: "None of these follows from another.",
    choices: session.me.scopes.filter((one) => one !== "users:manage").map((one) => ({ value: one, label: SCOPES[one] ?? one, hint: one })) });
  const days = new Field({ name: "days", label: "Runs out after so many days", input: h("input", { type: "number", min: "1", max: String(LONGEST_DAYS), step: "1", required: true, value: "90", oninput: () => until() }) });
  const end = h("p", { class: "small quiet-text", role: "status" });
  const until = () => {
    const count = Number(days.value);
    end.textContent = Number.isInteger(count) && count >= 1 && count <= LONGEST_DAYS ? `That is on ${formatDay(new Date(Date.now() + count * 86_400_000).toISOString())}.` : "";
  };
  const choose = () => {
    const isOther = who.value === OTHER;
    person.element.hidden = !isOther;
    for (const [box] of scopes.boxes) {
      box.disabled = isOther && !AS_OTHERS.has(box.value);
      if (box.disabled) box.checked = false;
    }
    if (isOther && !person.list.options.length) person.look().catch((problem) => person.fault(problem.message));
  };
  choose();
  until();
  const made = await openDialog({ title: "Make a key", size: "wide", body: [
    h("div", { class: "form-grid" }, name.element, who.element, h("div", {}, days.element, end)), person.element, scopes.element,
  ], actions: [{ label: "Cancel", value: null }, { label: "Make the key", kind: "primary", value: () => {
    const isOther = who.value === OTHER;
    const fields = [name, isOther ? person : who, scopes, days];
    return submit(fields, () => post("/admin/api-keys", { name: name.value, acts_as: isOther ? person.value : who.value, scopes: scopes.value, days: Number(days.value) }));
  } }] });
  if (!made) return;
  await showOnce(made);
  again();
}

function showOnce(made) {
  const key = new Field({ name: "key", label: `The key “${neutralise(made.name)}”`, hint: "Keep it where only the program can read it.", input: h("input", { type: "text", readonly: true, value: made.key, spellcheck: "false", autocomplete: "off", onfocus: () => key.input.select() }) });
  key.input.classList.add("code-text");
  const copied = h("span", { class: "small quiet-text", role: "status" });
  const copy = async () => {
    key.input.select();
    try {
      await navigator.clipboard.writeText(made.key);
      copied.textContent = "Copied.";
    } catch {
      copied.textContent = "Copy it with Ctrl+C: it is selected.";
    }
  };
  return openDialog({ title: "Keep this key now", body: [
    h("p", { class: "notice" }, "It is shown this once. It is kept nowhere, and nobody can show it again."),
    key.element, h("div", { class: "row" }, button("Copy", copy), copied),
  ], actions: [{ label: "I have kept it", value: true, kind: "primary" }] });
}

export async function makePrincipal(again) {
  const sets = await get("/admin/permission-sets");
  const name = new Field({ name: "name", label: "Name of the program", input: h("input", { type: "text", maxlength: "80", required: true, autocomplete: "off" }) });
  const boxes = new Boxes({ name: "permission_sets", label: "Permission sets", choices: setChoices(sets, []), hint: "None: it may do nothing." });
  const made = await openDialog({ title: "Make a service principal", size: "wide", body: [
    h("p", { class: "notice" }, "A user that stands for a program: nobody signs in as it, and keys that act as it have its rights. The audit says that you made it."),
    name.element, boxes.element,
  ], actions: [{ label: "Cancel", value: null }, { label: "Make it", kind: "primary", value: () => submit([name, boxes], () => post("/admin/service-principals", { name: name.value, permission_sets: boxes.value })) }] });
  if (!made) return;
  const may = gives(sets, made.permission_sets);
  notify(`${made.name} was made${may.length ? ` and may ${may.join(", ")}` : ""}. Make a key for it next.`);
  again();
}
