// The people of the organisation: found by name, added, and opened one by one.

import { get, post } from "../../lib/api.js";
import { notify, openDialog } from "../../lib/dialog.js";
import { button, h, newId } from "../../lib/dom.js";
import { Boxes, Field, submit } from "../../lib/fields.js";
import { PersonFinder } from "../../lib/finder.js";
import { neutralise } from "../../lib/format.js";
import { mark, plural } from "../../lib/page.js";
import { recordText } from "../../lib/text.js";
import { drawPerson } from "./person.js";
import { gives, managesUsers, setChoices } from "./rights.js";

const AT_ONCE = 50;

export function draw(place, screen, subject) {
  return subject ? drawPerson(place, screen, subject) : drawList(place, screen);
}

function drawList(place, screen) {
  return screen.fill(place, async (signal) => {
    const sets = await get("/admin/permission-sets", null, { signal });
    const ids = { text: newId("find"), kind: newId("kind"), state: newId("state") };
    const list = h("div", { class: "stack" });
    const fill = () => screen.fill(list, () => load({ text: text.value.trim(), kind: kind.value, is_active: state.value }, sets, signal));
    let timer = 0;
    const text = h("input", { id: ids.text, type: "search", placeholder: "Part of a name", autocomplete: "off", oninput: () => { window.clearTimeout(timer); timer = window.setTimeout(fill, 200); } });
    const kind = choice(ids.kind, { person: "People", service: "Service principals", "": "Both" }, fill);
    const state = choice(ids.state, { true: "Active", false: "Deactivated", "": "All" }, fill);
    fill();
    return h("section", { class: "stack", "aria-labelledby": "pe-people" },
      h("div", { class: "page-head" }, h("h2", { id: "pe-people" }, "People"), managesUsers() ? button("Add a person…", () => add(sets), { kind: "primary", drawing: "plus" }) : null),
      h("p", { class: "quiet-text" }, "What somebody may do is the union of their permission sets. What changes counts at once, also for what already waits, and is an entry of the audit."),
      h("div", { class: "filters" },
        h("div", { class: "field" }, h("label", { for: ids.text }, "Find"), text),
        h("div", { class: "field" }, h("label", { for: ids.kind }, "Who"), kind),
        h("div", { class: "field" }, h("label", { for: ids.state }, "Which"), state)),
      list);
  });
}

function choice(id, options, onchange) {
  return h("select", { id, onchange }, Object.entries(options).map(([value, words]) => h("option", { value }, words)));
}

async function load(wanted, sets, signal) {
  const labels = Object.fromEntries(sets.map((one) => [one.name, one.label]));
  const rows = h("ul", { class: "plain people" });
  const count = h("p", { class: "small quiet-text", role: "status" });
  const more = button("Show more", () => next().catch((problem) => notify(problem.message, { kind: "fault" })));
  let shown = 0;
  const next = async () => {
    const found = await get("/admin/people", { ...wanted, offset: shown, limit: AT_ONCE }, { signal });
    shown += found.length;
    rows.append(...found.map((one) => h("li", {}, rowOf(one, labels))));
    more.hidden = found.length < AT_ONCE;
    count.textContent = `${plural(shown, "person", "people")}${more.hidden ? "" : " so far"}`;
  };
  await next();
  if (!shown) return h("p", { class: "empty" }, "Nobody fits.");
  return [count, rows, h("div", { class: "row" }, more)];
}

function rowOf(one, labels) {
  const about = [one.role, one.manager_name && `under ${one.manager_name}`].filter(Boolean).join(" · ");
  return h("article", { class: "card person-row" },
    h("div", {},
      h("h3", {}, h("a", { href: `#/admin/people/${one.id}` }, recordText(one.name, { limit: 80, opens: false }))),
      h("p", { class: "small quiet-text" }, one.kind === "service" ? "Stands for a program; nobody signs in as it." : recordText(one.username, { limit: 120 })),
      about ? h("p", { class: "small" }, recordText(about, { limit: 160 })) : null),
    h("p", { class: "row" },
      one.is_active ? null : mark("deactivated", "bad"),
      one.kind === "service" ? mark("service principal") : null,
      one.permission_sets.map((name) => mark(neutralise(labels[name] ?? name))),
      one.permission_sets.length ? null : mark("may do nothing", "warn")));
}

async function add(sets) {
  const roles = await get("/admin/roles");
  const first = new Field({ name: "first_name", label: "Given name", input: h("input", { type: "text", maxlength: "255", autocomplete: "off" }), isOptional: true });
  const last = new Field({ name: "last_name", label: "Family name", input: h("input", { type: "text", maxlength: "255", required: true, autocomplete: "off" }) });
  const username = new Field({ name: "username", label: "Login name", hint: "In the form of an e-mail address. It cannot be changed here later.", input: h("input", { type: "email", maxlength: "254", required: true, autocomplete: "off" }) });
  const email = new Field({ name: "email", label: "E-mail", hint: "Where letters go. Your identity provider vouches for this address or for the login name.", input: h("input", { type: "email", maxlength: "254", autocomplete: "off" }), isOptional: true });
  const role = new Field({ name: "role", label: "Role", hint: "People see what people below their role own.", input: h("select", {}, h("option", { value: "" }, "None"), roles.map((one) => h("option", { value: one.name }, neutralise(one.name)))) });
  const manager = new PersonFinder({ name: "manager", label: "Manager", first: "Nobody", hint: "Whoever manages somebody may decide for them where the policy says so." });
  const boxes = new Boxes({ name: "permission_sets", label: "Permission sets", choices: setChoices(sets, []), hint: "None: they may sign in and do nothing." });
  await manager.look();
  const fields = [first, last, username, email, role, manager, boxes];
  const done = await openDialog({ title: "Add a person", size: "wide", body: [
    h("p", { class: "notice" }, "They can come in at once, by signing in with your identity provider. No letter is sent to them."),
    h("div", { class: "form-grid" }, [first, last, username, email].map((one) => one.element)),
    h("div", { class: "form-grid" }, role.element, manager.element), boxes.element,
  ], actions: [{ label: "Cancel", value: null }, { label: "Add", kind: "primary", value: () => submit(fields, () => post("/admin/people", {
    username: username.value, first_name: first.value || null, last_name: last.value, email: email.value || null,
    role: role.value || null, manager: manager.value, permission_sets: boxes.value,
  })) }] });
  if (!done) return;
  const may = gives(sets, done.permission_sets);
  notify(`${done.name} was added${may.length ? ` and may ${may.join(", ")}` : ""}.`);
  window.location.hash = `#/admin/people/${done.id}`;
}
