// Values of records with where they come from: a colour and the words for it, never the colour alone.

import { h } from "./dom.js";
import { capitalise, formatFieldName, formatValue, neutralise } from "./format.js";
import { outsideMark, recordText } from "./text.js";

const WORDS = {
  external: ["External", "Somebody outside the company may have written this"],
  user: ["Said in the chat", "The requester said this in the conversation"],
  crm_verified: ["Staff", "Entered or confirmed by staff"],
  system: ["System", "Kept by the service: ids, choices, numbers, dates"],
};

/** Where a value comes from, in a word, with the rest behind it. `source`: { integrity, origin, writers } or null. */
export function sourceMark(source) {
  if (!source) return null;
  if (source.integrity === "external") return outsideMark();
  if (source.origin.startsWith("the copilot's own words")) return h("span", { class: "mark source-copilot", title: "The copilot put this into words; staff stands behind what it read" }, "Copilot's words");
  const [word, title] = WORDS[source.integrity] ?? ["Unknown", "Nobody knows where this comes from"];
  return h("span", { class: `mark source-${WORDS[source.integrity] ? source.integrity : "external"}`, title }, word);
}

/** The place a value was read from and who wrote it, as far as it is known. */
export function sourceWords(source, names = {}, { own = "" } = {}) {
  if (!source) return null;
  const named = (text) => Object.entries(names).reduce((words, [id, name]) => words.replaceAll(id, name), text);
  const said = source.origin.replace(/^the copilot's own words(?:; )?/, "");
  const origin = own && said.startsWith(own) ? said.slice(own.length).replace(/^ \((.*)\)$/, "$1") : said;
  const writers = source.writers.map((one) => (one === "outside" ? "somebody outside" : names[one] ?? one));
  const parts = [origin && origin !== "user" && `from ${named(origin)}`, writers.length && `by ${writers.join(", ")}`].filter(Boolean);
  return parts.length ? recordText(parts.join(", "), { limit: 90 }) : null;
}

export const isOutside = (source) => source?.integrity === "external";

/** A value of a record; ids that have a name are shown by it. */
export function drawValue(value, { names = {}, outside = false, limit = 400 } = {}) {
  if (value === null || value === undefined || value === "") return h("span", { class: "quiet-text" }, "(empty)");
  if (typeof value === "string" && names[value] !== undefined) {
    return h("span", {}, recordText(names[value], { limit: 120, outside }), " ", h("code", { class: "id", title: "Its id" }, value));
  }
  return typeof value === "string" && !isMoment(value) ? recordText(value, { limit, outside }) : recordText(formatValue(value), { outside });
}

const isMoment = (text) => /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/.test(text);

/** A field's name as people say it, with the CRM's own behind it. */
export function drawFieldName(name) {
  return h("span", { title: neutralise(name) }, formatFieldName(name) || neutralise(name));
}

/** Leads to a record's panel. */
export function recordLink(object, id, name, { field = null, outside = false } = {}) {
  const query = field ? `?field=${encodeURIComponent(field)}` : "";
  const words = neutralise(name || id);
  return h("a", { href: `#/record/${encodeURIComponent(object)}/${encodeURIComponent(id)}${query}`, class: "record-text record-link" },
    outside && outsideMark(), h("bdi", {}, words.length > 160 ? `${words.slice(0, 160)}…` : words));
}

const VERBS = { create: "Create", update: "Change", delete: "Delete", confirm: "Confirm", restore: "Restore", unconfirm: "No longer confirm", convert: "Convert", unconvert: "No longer convert" };

/** What is done to a record, in the card's own words. */
export function verbOf(operation) {
  return VERBS[operation] ?? neutralise(operation);
}

/** "update_record" -> "Update record". */
export function toolName(tool) {
  return capitalise(neutralise(tool).replaceAll("_", " "));
}
