// Text out of records: isolated, made harmless to read, and cut where it is long.

import { button, h } from "./dom.js";
import { neutralise } from "./format.js";

const SHOWN = 600;
const MOST = 100_000;

/**
 * A record's text. `outside`: somebody outside the house may have written it, which is then said beside it.
 * Long text is cut, with a button that shows all of it; without one where `opens` is false, as within a link.
 */
export function recordText(value, { limit = SHOWN, outside = false, block = false, opens = true } = {}) {
  const full = String(value ?? "");
  const place = h("bdi", { class: "record-text" });
  const cut = full.length > limit;
  place.textContent = neutralise(cut ? `${full.slice(0, limit)}…` : full);
  const parts = [outside && outsideMark(), place];
  if (cut && opens) {
    const more = button(`Show all ${full.length.toLocaleString("en")} characters`, () => {
      const rest = full.length > MOST ? `${full.slice(0, MOST)}… (cut here)` : full;
      place.textContent = neutralise(rest);
      more.remove();
    }, { kind: "link" });
    parts.push(more);
  }
  return h(block ? "div" : "span", { class: outside ? "from-outside" : "from-record" }, parts);
}

/** Says that somebody outside the house may have written this. */
export function outsideMark() {
  return h("span", { class: "mark outside", title: "Somebody outside the company may have written this" }, "External");
}
