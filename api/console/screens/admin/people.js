// The staff and where their rights come from.

import { get } from "../../lib/api.js";
import { h, newId } from "../../lib/dom.js";
import { inWords, mark, plural, table } from "../../lib/page.js";
import { recordText } from "../../lib/text.js";

export function draw(place, screen) {
  return screen.fill(place, async (signal) => {
    const [people, sets] = await Promise.all([get("/admin/rights", null, { signal }), get("/admin/permission-sets", null, { signal })]);
    const names = Object.fromEntries(people.map((one) => [one.id, one.name]));
    const labels = Object.fromEntries(sets.map((one) => [one.name, one.label]));
    const list = h("div", { "aria-live": "polite" });
    const id = newId("find");
    const show = (text) => list.replaceChildren(staff(people.filter((one) => `${one.name} ${one.username} ${one.role} ${one.permissions.join(" ")}`.toLowerCase().includes(text.toLowerCase())), names, labels));
    const find = h("input", { id, type: "search", placeholder: "Name, role or permission", oninput: () => show(find.value) });
    show("");
    return [
      h("p", { class: "quiet-text" }, "Rights are the union of a person's permission sets. They are kept with your people and change there; what changed counts at once, also for what waits."),
      h("section", { class: "stack", "aria-labelledby": "pe-people" }, h("h2", { id: "pe-people" }, "People"),
        h("div", { class: "filters" }, h("div", { class: "field" }, h("label", { for: id }, "Find"), find)), list),
      h("section", { class: "stack", "aria-labelledby": "pe-sets" }, h("h2", { id: "pe-sets" }, "Permission sets"), sets.map(setOf)),
    ];
  });
}

function staff(people, names, labels) {
  return table({ label: "People", columns: ["Name", "Role", "Manager", "Permission sets", "Permissions"], empty: "Nobody fits.", rows: people.map((one) => [
    [recordText(one.name, { limit: 80 }), one.is_active ? null : [" ", mark("not active", "bad")], h("div", { class: "small quiet-text" }, recordText(one.username, { limit: 80 }))],
    recordText(one.role, { limit: 80 }), one.manager ? recordText(names[one.manager] ?? one.manager, { limit: 80 }) : "—",
    one.permission_sets.map((name) => labels[name] ?? name).join(", ") || "none: may do nothing",
    h("span", { class: "small" }, one.permissions.map((name) => inWords(name)).join(", ") || "—")]) });
}

function setOf(set) {
  const hidden = Object.entries(set.fields).flatMap(([object, fields]) => Object.entries(fields).filter(([name, letters]) => name !== "*" && !letters.length).map(([name]) => `${object}.${name}`));
  return h("details", { class: "card" },
    h("summary", {}, h("strong", {}, recordText(set.label)), ` · ${plural(set.members, "person", "people")}`),
    h("div", { class: "stack" },
      h("p", { class: "small" }, set.permissions.length ? `Beyond records: ${set.permissions.map((one) => inWords(one).toLowerCase()).join(", ")}.` : "No permission beyond records."),
      hidden.length ? h("p", { class: "small" }, `Fields that stay hidden: ${hidden.join(", ")}.`) : null,
      table({ label: `Rights of ${set.label}`, columns: ["Record", "May"], rows: Object.entries(set.objects).sort().map(([object, may]) => [object, may.join(", ") || "nothing"]) })));
}
