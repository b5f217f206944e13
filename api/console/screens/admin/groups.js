// What groups of the organisation's directory may do here: a group's people have its permission sets.

import { get, put } from "../../lib/api.js";
import { confirm, notify, openDialog } from "../../lib/dialog.js";
import { button, h, newId } from "../../lib/dom.js";
import { Boxes, Field, submit } from "../../lib/fields.js";
import { neutralise } from "../../lib/format.js";
import { mark, table } from "../../lib/page.js";
import { recordText } from "../../lib/text.js";
import { gives, setChoices } from "./rights.js";

const WHEN = "It counts for each person from their next sign-in or change of groups, and the audit says that it was you.";

export function draw(place, screen) {
  const again = () => screen.fill(place, (signal) => load(signal, again));
  return again();
}

async function load(signal, again) {
  const [found, sets] = await Promise.all([get("/admin/groups", null, { signal }), get("/admin/permission-sets", null, { signal })]);
  const labels = Object.fromEntries(sets.map((one) => [one.name, one.label]));
  return h("section", { class: "stack", "aria-labelledby": "gr-groups" },
    h("div", { class: "page-head" }, h("h2", { id: "gr-groups" }, "Groups of the directory"), button("Add a group…", () => change(found, null, sets, again), { kind: "primary", drawing: "plus" })),
    h("p", { class: "quiet-text" }, "People of a group have its permission sets, and lose them with the group. A group that is not named here gives nothing; sets that no group gives stay as they were given by hand."),
    table({ label: "Groups", columns: ["Group", "Gives", "Beyond records", ""], empty: "No group gives anything: rights are given by hand.", rows: Object.entries(found.groups).map(([name, given]) => [
      recordText(name, { limit: 120 }), h("span", { class: "row" }, given.map((one) => mark(neutralise(labels[one] ?? one)))), gives(sets, given).join(", ") || "—",
      h("div", { class: "row" },
        button("Change…", () => change(found, name, sets, again), { "aria-label": `Change what ${neutralise(name)} gives` }),
        button("Remove…", () => take(found, name, again), { "aria-label": `Remove ${neutralise(name)}` }))]) }));
}

async function change(found, group, sets, again) {
  const given = group === null ? [] : found.groups[group];
  const listId = newId("known");
  const name = new Field({ name: "group", label: "Name of the group", hint: "As your directory or identity provider writes it.", input: h("input", { type: "text", maxlength: "255", required: true, list: listId, autocomplete: "off" }) });
  const known = h("datalist", { id: listId }, found.known.filter((one) => !(one in found.groups)).map((one) => h("option", { value: one })));
  const boxes = new Boxes({ name: "permission_sets", label: "Gives", atLeast: 1, choices: setChoices(sets, given) });
  const says = h("p", { class: "notice", role: "status" });
  const say = () => {
    const may = gives(sets, boxes.value);
    says.textContent = `${may.length ? `Everybody in the group will be able to: ${may.join(", ")}.` : "It gives nothing beyond records."} ${WHEN}`;
  };
  boxes.element.addEventListener("change", say);
  say();
  const done = await openDialog({ title: group === null ? "Add a group" : `What ${neutralise(group)} gives`, size: "wide",
    body: [group === null ? [name.element, known] : null, boxes.element, says],
    actions: [{ label: "Cancel", value: null }, { label: group === null ? "Add" : "Change", kind: "primary", value: () => submit(group === null ? [name, boxes] : [boxes], async () => {
      const wanted = group ?? name.value;
      if (group === null && wanted in found.groups) {
        name.fault("This group is here already.");
        throw new Error("Look at the marked fields.");
      }
      return write(found, { ...found.groups, [wanted]: boxes.value });
    }) }] });
  if (done) tell(again);
}

async function take(found, group, again) {
  if (!await confirm({ title: `Remove ${neutralise(group)}`, text: `Its people lose what it gives, unless they have it by hand or by another group. ${WHEN}`, label: "Remove", danger: true })) return;
  const { [group]: _, ...rest } = found.groups;
  try {
    await write(found, rest);
    tell(again);
  } catch (problem) {
    notify(problem.message, { kind: "fault" });
  }
}

/** All groups are written at once; the service sees to it that what somebody else wrote meanwhile is not written over. */
function write(found, groups) {
  return put("/admin/groups", { groups, based_on: found.groups });
}

function tell(again) {
  notify("Changed.");
  again();
}
