// Which model answers, what leaves the house for it, budgets, and what was used.

import { get } from "../../lib/api.js";
import { h } from "../../lib/dom.js";
import { formatDay, formatNumber } from "../../lib/format.js";
import { facts, table } from "../../lib/page.js";
import { recordText } from "../../lib/text.js";
import { drawRules } from "./model-rules.js";

export function draw(place, screen) {
  const again = () => screen.fill(place, (signal) => load(signal, again));
  return again();
}

async function load(signal, again) {
  const [rules, usage] = await Promise.all([get("/admin/gateway", null, { signal }), get("/admin/gateway/usage", { days: 14 }, { signal })]);
  const limit = rules.tenant_tokens_per_day;
  return [
    h("section", { class: "card stack", "aria-labelledby": "mo-today" }, h("h2", { id: "mo-today" }, "Today"),
      facts([["Tokens", limit ? `${formatNumber(rules.used.tokens)} of ${formatNumber(limit)}` : formatNumber(rules.used.tokens)], ["Calls", formatNumber(rules.used.calls)], ["Model of the provider", rules.provider], ["When it does not answer", rules.fallback ?? "none"]]),
      limit ? h("meter", { min: "0", max: limit, value: rules.used.tokens, "aria-label": "Tokens used of today's budget" }) : null),
    drawRules(rules, again),
    h("section", { class: "stack", "aria-labelledby": "mo-used" }, h("h2", { id: "mo-used" }, "Used in two weeks"),
      table({ label: "Used by day", columns: ["Day", { name: "Tokens", class: "cell-end" }, { name: "Calls", class: "cell-end" }, "Who used most"], empty: "Nobody asked a model outside. The service's own model is not counted.", rows: usage.map((day) => [
        formatDay(day.day), formatNumber(day.tokens), formatNumber(day.calls),
        h("ul", { class: "plain small" }, day.people.slice(0, 5).map((one) => h("li", {}, recordText(one.name ?? one.person), `: ${formatNumber(one.tokens)}`)))]) })),
  ];
}
