// Which model answers, what leaves the house for it, budgets, and what was used.

import { get, patch } from "../../lib/api.js";
import { confirm, notify } from "../../lib/dialog.js";
import { button, h, newId } from "../../lib/dom.js";
import { formatDay, formatNumber } from "../../lib/format.js";
import { facts, plural, table } from "../../lib/page.js";
import { recordText } from "../../lib/text.js";

const CHOICES = [
  ["model", "Model", { provider: "The provider's", offline: "The service's own: nothing leaves" }],
  ["personal", "Personal values", { masked: "Masked", clear: "In clear, for the service's own model only" }],
  ["outside_text", "Texts from outside", { send: "Sent", withhold: "Withheld" }],
  ["record_text", "Long texts of records", { send: "Sent", withhold: "Withheld" }],
];
const BUDGETS = [
  ["tenant_tokens_per_day", "Organisation: tokens a day"], ["tenant_calls_per_day", "Organisation: calls a day"],
  ["user_tokens_per_day", "Person: tokens a day"], ["user_calls_per_day", "Person: calls a day"],
  ["run_tokens", "Run: tokens"], ["run_calls", "Run: calls"],
];

export function draw(place, screen) {
  const again = () => screen.fill(place, (signal) => load(signal, again));
  return again();
}

async function load(signal, again) {
  const [rules, usage] = await Promise.all([get("/admin/gateway", null, { signal }), get("/admin/gateway/usage", { days: 14 }, { signal })]);
  const inputs = {};
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const field = (name, label, input) => {
    inputs[name] = input;
    return h("div", { class: "field" }, h("label", { for: input.id }, label), input);
  };
  const selects = CHOICES.map(([name, label, options]) => {
    const made = h("select", { id: newId(name) }, Object.entries(options).map(([key, words]) => h("option", { value: key }, words)));
    made.value = rules[name];
    return field(name, label, made);
  });
  const numbers = BUDGETS.map(([name, label]) => field(name, label, h("input", { id: newId(name), type: "number", min: "0", step: "1", value: rules[name] ?? "", placeholder: "No limit" })));
  const save = async (event) => {
    event.preventDefault();
    fault.hidden = true;
    const changes = {};
    for (const [name] of CHOICES) if (inputs[name].value !== rules[name]) changes[name] = inputs[name].value;
    for (const [name] of BUDGETS) {
      const now = inputs[name].value === "" ? null : Number(inputs[name].value);
      if (now !== rules[name]) changes[name] = now;
    }
    if (!Object.keys(changes).length) return notify("Nothing was changed.");
    if (!await confirm({ title: "Change what leaves the house", text: `${plural(Object.keys(changes).length, "setting")} will count for every run that starts from now on. The change is an entry of the audit.`, label: "Change" })) return undefined;
    try {
      await patch("/admin/gateway", changes);
      notify("Changed.");
      return again();
    } catch (problem) {
      fault.textContent = problem.message;
      fault.hidden = false;
      return undefined;
    }
  };
  const limit = rules.tenant_tokens_per_day;
  return [
    h("section", { class: "card stack", "aria-labelledby": "mo-today" }, h("h2", { id: "mo-today" }, "Today"),
      facts([["Tokens", limit ? `${formatNumber(rules.used.tokens)} of ${formatNumber(limit)}` : formatNumber(rules.used.tokens)], ["Calls", formatNumber(rules.used.calls)], ["Model of the provider", rules.provider], ["When it does not answer", rules.fallback ?? "none"]]),
      limit ? h("meter", { min: "0", max: limit, value: rules.used.tokens, "aria-label": "Tokens used of today's budget" }) : null),
    h("form", { class: "card stack", "aria-labelledby": "mo-rules", onsubmit: save }, h("h2", { id: "mo-rules" }, "Model and budgets"),
      h("div", { class: "form-grid" }, selects), h("h3", {}, "Budgets"), h("div", { class: "form-grid" }, numbers), fault,
      h("div", { class: "row" }, button("Save…", null, { type: "submit", kind: "primary" }))),
    h("section", { class: "stack", "aria-labelledby": "mo-used" }, h("h2", { id: "mo-used" }, "Used in two weeks"),
      table({ label: "Used by day", columns: ["Day", { name: "Tokens", class: "cell-end" }, { name: "Calls", class: "cell-end" }, "Who used most"], empty: "Nobody asked a model outside. The service's own model is not counted.", rows: usage.map((day) => [
        formatDay(day.day), formatNumber(day.tokens), formatNumber(day.calls),
        h("ul", { class: "plain small" }, day.people.slice(0, 5).map((one) => h("li", {}, recordText(one.name ?? one.person), `: ${formatNumber(one.tokens)}`)))]) })),
  ];
}
