// The form of what leaves the house and of budgets: what a change means is said before it counts.

import { patch } from "../../lib/api.js";
import { confirm, notify } from "../../lib/dialog.js";
import { button, h } from "../../lib/dom.js";
import { Field, submit } from "../../lib/fields.js";
import { Figure } from "../../lib/figure.js";
import { formatNumber } from "../../lib/format.js";

const CHOICES = [
  ["model", "Model", { provider: "The provider's", offline: "The service's own: nothing leaves" }],
  ["personal", "Personal values", { masked: "Masked", clear: "In clear, for the service's own model only" }],
  ["outside_text", "Texts from outside", { send: "Sent", withhold: "Withheld" }],
  ["record_text", "Long texts of records", { send: "Sent", withhold: "Withheld" }],
];
const BUDGETS = [
  ["tenant_tokens_per_day", "Tokens of the organisation", "a day"], ["tenant_calls_per_day", "Calls of the organisation", "a day"],
  ["user_tokens_per_day", "Tokens of a person", "a day"], ["user_calls_per_day", "Calls of a person", "a day"],
  ["run_tokens", "Tokens of a run", "a run"], ["run_calls", "Calls of a run", "a run"],
];
/** What lets more out of the house than before. */
const OPENS = { model: "provider", outside_text: "send", record_text: "send", personal: "clear" };

export function drawRules(rules, again) {
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const choices = CHOICES.map(([name, label, options]) => {
    const made = h("select", {}, Object.entries(options).map(([key, words]) => h("option", { value: key }, words)));
    made.value = rules[name];
    return new Field({ name, label, input: made });
  });
  const region = new Field({ name: "phone_region", label: "Country of telephone numbers", hint: "Two letters, such as US: for numbers that come without a country code.", isOptional: true,
    input: h("input", { type: "text", maxlength: "2", pattern: "[A-Za-z]{2}", autocomplete: "off", value: rules.phone_region ?? "" }) });
  const budgets = BUDGETS.map(([name, label, unit]) => new Figure({ name, label, unit, value: rules[name] ?? null, placeholder: "No limit" }));
  const fields = [...choices, region, ...budgets];
  const save = async (event) => {
    event.preventDefault();
    fault.hidden = true;
    try {
      if (await submit(fields, () => change(rules, readAll(choices, region, budgets)))) again();
    } catch (problem) {
      fault.textContent = problem.message;
      fault.hidden = false;
    }
  };
  return h("form", { class: "card stack", "aria-labelledby": "mo-rules", novalidate: true, onsubmit: save }, h("h2", { id: "mo-rules" }, "Model and budgets"),
    h("div", { class: "form-grid" }, [...choices, region].map((one) => one.element)),
    h("h3", {}, "Budgets"), h("div", { class: "form-grid" }, budgets.map((one) => one.element)), fault,
    h("div", { class: "row" }, button("Save…", null, { type: "submit", kind: "primary" })));
}

function readAll(choices, region, budgets) {
  return {
    ...Object.fromEntries(choices.map((one) => [one.name, one.value])),
    phone_region: region.value.toUpperCase() || null,
    ...Object.fromEntries(budgets.map((one) => [one.name, one.figure])),
  };
}

/** Says what would be other than it is, asks, and changes it. Whether it did. */
async function change(rules, wanted) {
  const changes = Object.fromEntries(Object.entries(wanted).filter(([name, value]) => value !== (rules[name] ?? null)));
  if (!Object.keys(changes).length) {
    notify("Nothing was changed.");
    return false;
  }
  const opens = Object.entries(changes).some(([name, value]) => OPENS[name] === value);
  const text = [
    ...Object.keys(changes).map((name) => inWords(name, rules[name] ?? null, changes[name])),
    opens ? "More leaves the house, or reaches a model, than before." : "",
    "It counts for every run that starts from now on, and is an entry of the audit.",
  ].filter(Boolean).join(" ");
  if (!await confirm({ title: "Change what leaves the house", text, label: "Change", danger: opens })) return false;
  await patch("/admin/gateway", changes);
  notify("Changed.");
  return true;
}

/** "Tokens of a person: 5,000,000 → 10,000 a day." */
function inWords(name, before, after) {
  const choice = CHOICES.find(([one]) => one === name);
  if (choice) return `${choice[1]}: ${choice[2][before]} → ${choice[2][after]}.`;
  if (name === "phone_region") return `Country of telephone numbers: ${before ?? "none"} → ${after ?? "none"}.`;
  const [, label, unit] = BUDGETS.find(([one]) => one === name);
  const figure = (value) => (value === null ? "no limit" : `${formatNumber(value)} ${unit}`);
  return `${label}: ${figure(before)} → ${figure(after)}${after === 0 ? ", so no model is asked" : ""}.`;
}
