// Keys for programs and the service principals that they act as: what there is, and revoking.

import { get, remove } from "../../lib/api.js";
import { confirm, notify } from "../../lib/dialog.js";
import { button, h, newId } from "../../lib/dom.js";
import { formatInstant, neutralise } from "../../lib/format.js";
import { learnNames, nameOf, person as personName } from "../../lib/names.js";
import { ago, mark, table } from "../../lib/page.js";
import { recordText } from "../../lib/text.js";
import { makeKey, makePrincipal } from "./new-key.js";

const STATES = { good: "good", expired: "warn", revoked: "bad" };

export function draw(place, screen) {
  const again = () => screen.fill(place, (signal) => load(signal, again));
  return again();
}

async function load(signal, again) {
  const keys = await get("/admin/api-keys", null, { signal });
  await learnNames(keys.flatMap((one) => [one.acts_as, one.created_by, one.revoked_by]), signal);
  const id = newId("which");
  const list = h("div", {});
  const which = h("select", { id, onchange: () => show() }, h("option", { value: "good" }, "Active"), h("option", { value: "" }, "All, with expired and revoked ones"));
  const show = () => list.replaceChildren(listOf(keys.filter((one) => !which.value || one.state === which.value), again));
  show();
  return h("section", { class: "stack", "aria-labelledby": "ke-keys" },
    h("div", { class: "page-head" }, h("h2", { id: "ke-keys" }, "Keys for programs"),
      button("Make a key…", () => makeKey(again), { kind: "primary", drawing: "plus" }), button("Make a service principal…", () => makePrincipal(again))),
    h("p", { class: "quiet-text" }, "A key lets a program in with the rights of whom it acts as, as far as its scopes reach. Service principals are listed among the people."),
    h("div", { class: "filters" }, h("div", { class: "field" }, h("label", { for: id }, "Which"), which)), list);
}

/** The good keys that act as one user. */
export function drawKeysOf(person, screen) {
  const place = h("div", { class: "stack" });
  const again = () => screen.fill(place, async (signal) => {
    const keys = (await get("/admin/api-keys", null, { signal })).filter((one) => one.acts_as === person.id && one.state === "good");
    await learnNames(keys.flatMap((one) => [one.acts_as, one.created_by]), signal);
    return [
      keys.length ? listOf(keys, again) : h("p", { class: "card notice-calm" }, "No key acts as them."),
      person.is_active && person.kind === "service" ? h("div", { class: "row" }, button("Make a key for it…", () => makeKey(again, person))) : null,
    ];
  });
  again();
  return h("section", { class: "stack", "aria-labelledby": "pr-keys" }, h("h2", { id: "pr-keys" }, "Keys that act as them"), place);
}

function listOf(keys, again) {
  return table({ label: "Keys", columns: ["Key", "Acts as", "May be used for", "Runs out", "Last used", "Made by", ""], empty: "There are no such keys.", rows: keys.map((one) => [
    [recordText(one.name, { limit: 80 }), " ", mark(one.state === "good" ? "active" : one.state, STATES[one.state]), h("div", {}, h("code", { class: "id" }, `${neutralise(one.prefix)}…`))],
    nameOf(one.acts_as) ? h("a", { href: `#/admin/people/${one.acts_as}` }, personName(one.acts_as)) : personName(one.acts_as),
    h("span", { class: "small" }, one.scopes.join(", ")),
    one.expires_at ? formatInstant(one.expires_at) : "never",
    one.used_at ? ago(one.used_at) : "never",
    [personName(one.created_by), ", ", ago(one.created_at)],
    one.state === "good" ? button("Revoke…", () => revoke(one, again), { "aria-label": `Revoke the key ${neutralise(one.name)}` }) : one.revoked_at ? ["Revoked ", ago(one.revoked_at)] : null]) });
}

async function revoke(one, again) {
  const text = `From its next request on, whatever program uses “${neutralise(one.name)}” is turned away. The key cannot be brought back; make a new one instead.`;
  if (!await confirm({ title: "Revoke this key", text, label: "Revoke", danger: true })) return;
  try {
    await remove(`/admin/api-keys/${one.key_id}`);
    notify("Revoked.");
    again();
  } catch (problem) {
    notify(problem.message, { kind: "fault" });
  }
}
