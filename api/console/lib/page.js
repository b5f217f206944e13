// What screens that list and show things are made of: loading with its faults, the head of a page, tables, facts.

import { Problem } from "./api.js";
import { button, h, replace } from "./dom.js";
import { capitalise, formatAgo, formatInstant, rightsInWords } from "./format.js";

/** A screen that draws itself anew when its address changes. `draw()` puts nodes into the element. */
export class Screen extends HTMLElement {
  connectedCallback() {
    this.stopping = new AbortController();
    this.draw();
  }

  disconnectedCallback() {
    this.stopping.abort();
    this.stopping = null;
  }

  attributeChangedCallback() {
    if (!this.stopping || this.planned) return;
    this.planned = true;
    window.queueMicrotask(() => {
      this.planned = false;
      if (!this.stopping) return;
      this.stopping.abort();
      this.stopping = new AbortController();
      this.draw();
    });
  }

  get signal() {
    return this.stopping.signal;
  }

  /** Fills a place with what `work` brings, or says why it cannot. A later filling of the place wins. */
  async fill(place, work) {
    const turn = Symbol("turn");
    place.turn = turn;
    place.setAttribute("aria-busy", "true");
    if (!place.hasChildNodes()) place.append(h("p", { class: "quiet-text loading" }, "Loading…"));
    let nodes;
    try {
      nodes = await work(this.signal);
    } catch (error) {
      if (error.name === "AbortError") return false;
      if (!(error instanceof Problem)) throw error;
      nodes = refusal(error, () => this.fill(place, work));
    }
    if (place.turn !== turn || !this.isConnected) return false;
    place.removeAttribute("aria-busy");
    replace(place, nodes);
    return true;
  }
}

/** What the service said instead. */
export function refusal(problem, again) {
  const isOver = problem.status === 401;
  return h("div", { class: "card refusal", role: "alert" },
    h("h2", {}, problem.status === 403 ? "You may not see this" : problem.status === 404 ? "Not found" : "That did not work"),
    h("p", {}, capitalise(rightsInWords(problem.message))),
    problem.status === 403 || problem.status === 404 || isOver ? null : button("Try again", again));
}

export function pageHead(title, ...more) {
  return h("div", { class: "page-head" }, h("h1", {}, title), more);
}

/**
 * A table. On a narrow page its rows become blocks of names and values, unless `stacks` is false: then it scrolls by itself.
 * `columns`: names, or { name, class }.
 */
export function table({ label, columns, rows, empty = "Nothing here.", stacks = columns.length > 3 }) {
  if (!rows.length) return h("p", { class: "empty" }, empty);
  const heads = columns.map((one) => (typeof one === "string" ? { name: one } : one));
  // A block has no part in a table unless it says so.
  const role = (name) => (stacks ? name : null);
  return h("div", { class: "table-scroll", tabindex: "0", role: "group", "aria-label": label },
    h("table", { class: stacks && "stacks", role: role("table") },
      h("thead", { role: role("rowgroup") }, h("tr", { role: role("row") }, heads.map((one) => (one.name ? h("th", { scope: "col", class: one.class, role: role("columnheader") }, one.name) : h("td", { class: "head-cell", role: role("cell") }))))),
      h("tbody", { role: role("rowgroup") }, rows.map((cells) => h("tr", { role: role("row") }, cells.map((cell, place) => h("td", { class: heads[place].class, role: role("cell"), "data-label": heads[place].name }, h("div", {}, cell))))))));
}

/** Names with what they stand for: [["Model", "offline"], ...]. */
export function facts(pairs) {
  return h("dl", { class: "facts" }, pairs.filter((pair) => pair && pair[1] !== null && pair[1] !== undefined)
    .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

export function mark(words, kind = "") {
  return h("span", { class: `mark ${kind}` }, words);
}

/** "3 hours ago", with the instant as its tip. */
export function ago(iso) {
  return h("time", { datetime: iso, title: formatInstant(iso) }, formatAgo(iso));
}

/** Links to the parts of a screen, of which one is shown. `parts`: [{ path, label }]. */
export function partLinks(label, parts, shown) {
  return h("nav", { class: "parts", "aria-label": label },
    h("ul", {}, parts.map((one) => h("li", {}, h("a", { href: `#/${one.path}`, "aria-current": one.path === shown ? "page" : null }, one.label)))));
}

/** "create_quote" -> "Create quote". */
export function inWords(name) {
  return capitalise(String(name).replace(/[_.]/g, " ").trim());
}

export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
