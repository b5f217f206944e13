// One user: what they may do, whom they answer to, where they are signed in, and letting them in or shutting them out.

import { get, patch } from "../../lib/api.js";
import { confirm, notify, openDialog } from "../../lib/dialog.js";
import { button, h } from "../../lib/dom.js";
import { Boxes, Field, submit } from "../../lib/fields.js";
import { PersonFinder } from "../../lib/finder.js";
import { neutralise } from "../../lib/format.js";
import { facts, inWords, mark } from "../../lib/page.js";
import { session } from "../../lib/session.js";
import { recordText } from "../../lib/text.js";
import { drawKeysOf } from "./keys.js";
import { confirmRights, managesUsers, setChoices } from "./rights.js";
import { drawSessions } from "./sessions.js";

export function drawPerson(place, screen, id) {
  const again = () => screen.fill(place, (signal) => load(id, signal, screen, again));
  return again();
}

async function load(id, signal, screen, again) {
  const path = `/admin/people/${encodeURIComponent(id)}`;
  const [person, sets] = await Promise.all([get(path, null, { signal }), get("/admin/permission-sets", null, { signal })]);
  const isPerson = person.kind === "person";
  const mayChange = managesUsers();
  return [
    h("p", {}, h("a", { href: "#/admin/people" }, "All people")),
    h("section", { class: "card stack", "aria-labelledby": "pr-who" },
      h("div", { class: "row" }, h("h2", { id: "pr-who" }, recordText(person.name, { limit: 120 })),
        isPerson ? null : mark("service principal"), person.id === session.me.id ? mark("you") : null, person.is_active ? null : mark("deactivated", "bad")),
      facts([
        isPerson && ["Login name", recordText(person.username, { limit: 120 })],
        isPerson && ["E-mail", person.email ? recordText(person.email, { limit: 120 }) : "—"],
        isPerson && ["Role", person.role ? recordText(person.role, { limit: 120 }) : "none"],
        isPerson && ["Manager", person.manager ? h("a", { href: `#/admin/people/${person.manager}` }, recordText(person.manager_name ?? person.manager, { limit: 120, opens: false })) : "nobody"],
        person.groups.length ? ["Groups of the directory", recordText(person.groups.join(", "), { limit: 200 })] : null,
      ]),
      h("p", { class: "small" }, `May, beyond records: ${person.permissions.map((one) => inWords(one).toLowerCase()).join(", ") || "nothing"}.`),
      mayChange ? h("div", { class: "row" },
        isPerson && person.id !== session.me.id ? button("Change role or manager…", () => changePlace(person, again)) : null,
        person.is_active ? button("Deactivate…", () => shutOut(person, again), { kind: "danger" }) : button("Let in again…", () => letIn(person, again))) : null),
    drawRights(person, sets, mayChange, again),
    mayChange && isPerson ? drawSessions(person, screen) : null,
    mayChange ? drawKeysOf(person, screen) : null,
  ];
}

function drawRights(person, sets, mayChange, again) {
  const isOwn = person.id === session.me.id;
  const boxes = new Boxes({ name: "permission_sets", label: "Permission sets",
    choices: setChoices(sets, person.permission_sets).map((one) => ({ ...one, isFixed: !mayChange || (isOwn && !one.isChosen) })),
    hint: [
      isOwn && mayChange ? "Of your own you can only give away; more has to come from somebody else." : "",
      person.groups.length ? "What groups of the directory give comes back with the groups." : "",
    ].filter(Boolean).join(" ") });
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const save = async (event) => {
    event.preventDefault();
    fault.hidden = true;
    const after = boxes.value;
    if ([...after].sort().join() === [...person.permission_sets].sort().join()) return notify("Nothing was changed.");
    if (!await confirmRights(sets, { who: person.name, before: person.permission_sets, after, isOwn })) return undefined;
    try {
      await submit([boxes], () => patch(`/admin/people/${person.id}`, { permission_sets: after }));
      notify("Changed.");
      return again();
    } catch (problem) {
      fault.textContent = problem.message;
      fault.hidden = false;
      return undefined;
    }
  };
  return h("form", { class: "card stack", "aria-label": "What they may do", novalidate: true, onsubmit: save },
    boxes.element, fault, mayChange ? h("div", { class: "row" }, button("Save rights…", null, { type: "submit", kind: "primary" })) : null);
}

async function changePlace(person, again) {
  const roles = await get("/admin/roles");
  const role = new Field({ name: "role", label: "Role", hint: "People see what people below their role own.", input: h("select", {}, h("option", { value: "" }, "None"), roles.map((one) => h("option", { value: one.name }, neutralise(one.name)))) });
  role.input.value = person.role;
  const chosen = person.manager ? { id: person.manager, name: person.manager_name ?? person.manager } : null;
  const manager = new PersonFinder({ name: "manager", label: "Manager", first: "Nobody", chosen, but: person.id });
  await manager.look();
  const done = await openDialog({ title: `Role and manager of ${neutralise(person.name)}`, body: [
    h("p", { class: "notice" }, "Role and manager say whose records they see and who may decide what they ask for, from now on and for what already waits. The audit says that it was you."),
    role.element, manager.element,
  ], actions: [{ label: "Cancel", value: null }, { label: "Change", kind: "primary", value: () => submit([role, manager], () => {
    const changes = {};
    if (role.value !== person.role) changes.role = role.value || null;
    if (manager.value !== person.manager) changes.manager = manager.value;
    if (!Object.keys(changes).length) throw new Error("Nothing is different yet.");
    return patch(`/admin/people/${person.id}`, changes);
  }) }] });
  if (!done) return;
  notify("Changed.");
  again();
}

async function shutOut(person, again) {
  const text = [
    person.id === session.me.id ? "This is you: you will be signed out and cannot let yourself in again." : "",
    `${neutralise(person.name)} is shut out at once: signed out everywhere, keys that act as them revoked, and what still runs or waits for them stops at its next step. Their records and what they did stay.`,
    "Letting them in again brings back neither sessions nor keys.",
  ].filter(Boolean).join(" ");
  if (!await confirm({ title: "Deactivate", text, label: "Deactivate", danger: true })) return;
  await change(person, { is_active: false }, "Deactivated.", again);
}

async function letIn(person, again) {
  const may = person.permissions.length ? ` They will again be able to: ${person.permissions.map((one) => inWords(one).toLowerCase()).join(", ")}.` : "";
  if (!await confirm({ title: "Let in again", text: `${neutralise(person.name)} may come in again with the permission sets that they have.${may}`, label: "Let in" })) return;
  await change(person, { is_active: true }, "Let in again.", again);
}

async function change(person, changes, words, again) {
  try {
    await patch(`/admin/people/${person.id}`, changes);
    notify(words);
    again();
  } catch (problem) {
    notify(problem.message, { kind: "fault" });
  }
}
