// Permission sets, to look at: they come with the organisation's records and are given to people and groups.

import { get } from "../../lib/api.js";
import { h } from "../../lib/dom.js";
import { formatFieldName } from "../../lib/format.js";
import { inWords, plural, table } from "../../lib/page.js";
import { recordText } from "../../lib/text.js";

export function draw(place, screen) {
  return screen.fill(place, async (signal) => {
    const sets = await get("/admin/permission-sets", null, { signal });
    return h("section", { class: "stack", "aria-labelledby": "pe-sets" }, h("h2", { id: "pe-sets" }, "Permission sets"),
      h("p", { class: "quiet-text" }, "Bundles of rights. Give them to people, or to groups of your directory."), sets.map(setOf));
  });
}

function setOf(set) {
  const hidden = Object.entries(set.fields).flatMap(([object, fields]) => Object.entries(fields).filter(([name, letters]) => name !== "*" && !letters.length).map(([name]) => `${formatFieldName(object)}: ${formatFieldName(name)}`));
  return h("details", { class: "card" },
    h("summary", {}, h("strong", {}, recordText(set.label)), ` · ${plural(set.members, "person", "people")}`),
    h("div", { class: "stack" },
      h("p", { class: "small" }, set.permissions.length ? `Beyond records: ${set.permissions.map((one) => inWords(one).toLowerCase()).join(", ")}.` : "No permission beyond records."),
      hidden.length ? h("p", { class: "small" }, `Fields that stay hidden: ${hidden.join(", ")}.`) : null,
      table({ label: `Rights of ${set.label}`, columns: ["Record", "May"], rows: Object.entries(set.objects).sort().map(([object, may]) => [formatFieldName(object), may.join(", ") || "nothing"]) })));
}
