// What an agent could read, change and send for a person, and who would have to agree.

import { get } from "../../lib/api.js";
import { button, h, newId } from "../../lib/dom.js";
import { formatFieldName } from "../../lib/format.js";
import { inWords, mark, plural, table } from "../../lib/page.js";
import { recordText } from "../../lib/text.js";

const DECISIONS = { allow: ["At once", "warn"], hold: ["Waits for a person", "good"], deny: ["Never", ""] };

export async function draw(place, screen) {
  await screen.fill(place, async (signal) => {
    const [people, targets] = await Promise.all([get("/admin/rights", null, { signal }), get("/admin/switches/targets", null, { signal })]);
    const ids = { person: newId("person"), agent: newId("agent") };
    const person = h("select", { id: ids.person }, people.filter((one) => one.is_active).map((one) => h("option", { value: one.id }, `${one.name} (${one.role || one.username})`)));
    const agent = h("select", { id: ids.agent }, targets.agents.map((one) => h("option", { value: one }, inWords(one))));
    const result = h("div", { class: "stack", "aria-live": "polite" });
    const show = () => screen.fill(result, (inner) => report(agent.value, person.value, inner));
    return [
      h("p", { class: "quiet-text" }, "What is possible at most, by the most ordinary call of each kind. A single record may be out of the person's sight, and a value or its source may call for more."),
      h("form", { class: "filters", onsubmit: (event) => { event.preventDefault(); show(); } },
        h("div", { class: "field" }, h("label", { for: ids.agent }, "Agent"), agent), h("div", { class: "field wide" }, h("label", { for: ids.person }, "For"), person),
        button("Show", null, { type: "submit", kind: "primary" })),
      result,
    ];
  });
}

async function report(agent, person, signal) {
  const reach = await get("/admin/reach", { agent, person }, { signal });
  const changes = reach.objects.filter((one) => one.changes.length);
  return [
    h("section", { class: "card stack", "aria-labelledby": "re-who" }, h("h2", { id: "re-who" }, `${inWords(reach.agent)} for `, recordText(reach.person.name)),
      h("p", {}, `Reads ${plural(reach.objects.filter((one) => one.readable.length).length, "kind")} of records, could ask to change ${plural(changes.length, "kind")}, with ${plural(reach.tools.length, "tool")}.`),
      Object.entries(reach.approvers).map(([permission, people]) => h("p", { class: "small" }, h("strong", {}, `May ${inWords(permission).toLowerCase()}`), ": ", people.length ? recordText(people.map((one) => one.name).join(", ")) : "nobody has it"))),
    h("section", { class: "stack", "aria-labelledby": "re-change" }, h("h2", { id: "re-change" }, "Changes"),
      table({ label: "Changes", columns: ["Record", "What", "Decision", "Who agrees", "Fields"], empty: "None.", rows: changes.flatMap((one) => one.changes.map((way) => [
        formatFieldName(one.object), inWords(way.tool), mark(...(DECISIONS[way.decision] ?? [way.decision])), agrees(way), fieldsOf(way.fields)])) })),
    h("section", { class: "stack", "aria-labelledby": "re-send" }, h("h2", { id: "re-send" }, "Sends"),
      table({ label: "Sends", columns: ["What", "Decision", "Who agrees"], empty: "Nothing.", rows: reach.sends.map((one) => [inWords(one.tool), mark(...(DECISIONS[one.decision] ?? [one.decision])), agrees(one)]) })),
    h("section", { class: "stack", "aria-labelledby": "re-read" }, h("h2", { id: "re-read" }, "Reads"),
      table({ label: "Reads", columns: ["Record", "Fields"], rows: reach.objects.filter((one) => one.readable.length).map((one) => [formatFieldName(one.object), fieldsOf(one.readable)]) })),
  ];
}

function agrees(way) {
  if (way.decision !== "hold") return "—";
  return [way.permission ? `Whoever may ${inWords(way.permission).toLowerCase()}` : null, way.second_person ? "a second person" : null, way.votes > 1 ? `${way.votes} votes` : null].filter(Boolean).join(", ");
}

function fieldsOf(names) {
  return h("details", {}, h("summary", {}, plural(names.length, "field")), h("p", { class: "small" }, names.map(formatFieldName).join(", ")));
}
