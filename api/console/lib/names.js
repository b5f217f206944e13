// What records and people are called, by id: asked for once and remembered while the same person is signed in.

import { get } from "./api.js";
import { h } from "./dom.js";
import { formatValue, neutralise } from "./format.js";
import { session } from "./session.js";
import { recordText } from "./text.js";

const ID = /^[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?$/;
const AT_ONCE = 100;
let known = new Map();

session.addEventListener("signed-out", () => {
  known = new Map();
});

export function isId(value) {
  return typeof value === "string" && ID.test(value) && /\d/.test(value);
}

/** Learns the names of these ids. What the reader may not see stays without one. */
export async function learnNames(ids, signal) {
  const wanted = [...new Set(ids.filter((one) => isId(one) && !known.has(one)))];
  for (let first = 0; first < wanted.length; first += AT_ONCE) {
    const part = wanted.slice(first, first + AT_ONCE);
    const found = await get("/names", { record: part }, { signal });
    for (const id of part) known.set(id, null);
    for (const one of found) known.set(one.id, one);
  }
}

/** The name of an id, or null. */
export function nameOf(id) {
  return known.get(id)?.name ?? null;
}

/** A person's name; the id where it is not known. */
export function person(id) {
  if (!id) return "—";
  const name = nameOf(id);
  return name ? recordText(name, { limit: 80 }) : h("code", { class: "id" }, neutralise(id));
}

/** A link that opens the record beside the screen; the id where the reader may not see it. */
export function recordLink(id, { object = null, name = null } = {}) {
  const found = known.get(id);
  const kind = object ?? found?.object ?? null;
  const called = name ?? found?.name ?? null;
  if (!kind || !called || !isId(id)) return h("code", { class: "id" }, neutralise(id));
  return h("a", { class: "record-link", href: `#/record/${encodeURIComponent(kind)}/${encodeURIComponent(id)}` }, recordText(called, { limit: 120, opens: false }));
}

/** A value of a record: ids as links with names, texts as texts of records. */
export function value(one) {
  if (isId(one) && nameOf(one)) return recordLink(one);
  if (typeof one === "string" && !/^\d{4}-\d\d-\d\d/.test(one) && one !== "") return recordText(one, { limit: 160 });
  return formatValue(one);
}

/** Every id among the values of an object. */
export function idsIn(values) {
  return Object.values(values ?? {}).filter(isId);
}
