// A record with all that hangs on it, beside whatever it was opened from.

import { get, getPage } from "../lib/api.js";
import { button, h, newId, replace } from "../lib/dom.js";
import { formatAgo, formatDay, formatFieldName, formatInstant, neutralise, titleInWords } from "../lib/format.js";
import { drawFieldName, drawValue, isOutside, recordLink, sourceMark, sourceWords, toolName, verbOf } from "../lib/provenance.js";
import { outsideMark, recordText } from "../lib/text.js";
import { takeBack } from "../lib/undoing.js";

const QUIET = new Set(["Id", "CreatedById", "LastModifiedById", "CreatedDate", "LastModifiedDate", "IsDeleted", "SystemModstamp"]);
const ALL_OF_IT = 100_000;

class RecordPanel extends HTMLElement {
  static observedAttributes = ["object", "record", "field"];

  connectedCallback() {
    this.isThere = true;
    this.#plan();
  }

  disconnectedCallback() {
    this.isThere = false;
  }

  attributeChangedCallback() {
    if (this.isThere) this.#plan();
  }

  #plan() {
    if (this.planned) return;
    this.planned = true;
    queueMicrotask(() => {
      this.planned = false;
      const wanted = `${this.getAttribute("object")}/${this.getAttribute("record")}`;
      if (wanted === this.shown) this.#cite();
      else this.#load(wanted);
    });
  }

  get path() {
    return `/records/${encodeURIComponent(this.getAttribute("object"))}/${encodeURIComponent(this.getAttribute("record"))}`;
  }

  async #load(wanted) {
    this.wanted = wanted;
    replace(this, h("p", { class: "empty", "aria-busy": "true" }, "Loading the record…"));
    const path = this.path;
    const isLate = () => this.wanted !== wanted || !this.isThere;
    try {
      const seen = await get(`${path}/overview`);
      if (isLate()) return;
      this.shown = wanted;
      const places = { proposals: h("div", {}), writes: h("div", {}), timeline: h("div", {}) };
      replace(this, this.#drawHead(seen), this.#drawFields(seen, path),
        section("Waits to be decided", places.proposals), section("Written by the copilot", places.writes),
        seen.related.map((one) => this.#drawRelated(one, path)), section("Timeline", places.timeline));
      this.#cite();
      this.#fill(places.proposals, () => this.#drawProposals(seen.id));
      this.#fill(places.writes, () => this.#drawWrites(path, places.writes));
      this.#fill(places.timeline, () => this.#drawTimeline(path, places.timeline, 20));
    } catch (problem) {
      if (isLate()) return;
      this.shown = null;
      const words = [403, 404, 410, 422].includes(problem.status) ? "There is no such record that you can see." : problem.message;
      replace(this, h("div", { class: "empty" }, h("p", {}, words), button("Try again", () => this.#load(wanted))));
    }
  }

  async #fill(place, work) {
    place.setAttribute("aria-busy", "true");
    try {
      replace(place, await work());
    } catch (problem) {
      replace(place, h("p", { class: "quiet-text" }, problem.status === 403 ? "Not yours to see." : problem.message));
    } finally {
      place.removeAttribute("aria-busy");
    }
  }

  #drawHead(seen) {
    return h("header", { class: "record-head" },
      h("p", { class: "small quiet-text" }, formatFieldName(seen.object)),
      h("h2", { tabindex: "-1" }, seen.is_name_from_outside && outsideMark(), recordText(seen.name, { limit: 200 })),
      h("p", { class: "small quiet-text" }, h("code", {}, neutralise(seen.id))));
  }

  #drawFields(seen, path) {
    const filled = seen.fields.filter((one) => one.value !== null && one.value !== "" && !QUIET.has(one.name));
    const rest = seen.fields.filter((one) => !filled.includes(one));
    const draw = (one) => [
      h("dt", {}, drawFieldName(one.name)),
      h("dd", { "data-field": one.name, class: isOutside(one.source) ? "cell-outside" : "" }, this.#drawField(one, seen, path), one.value === null ? null : drawSource(one, seen)),
    ];
    return h("section", { "aria-label": "Fields" },
      h("dl", { class: "fields" }, filled.map(draw)),
      rest.length ? h("details", { class: "more-fields" }, h("summary", {}, `Empty and internal fields (${rest.length})`), h("dl", { class: "fields" }, rest.map(draw))) : null);
  }

  #drawField(one, seen, path) {
    if (one.refers_to) return recordLink(one.refers_to.object, one.refers_to.id, one.refers_to.name);
    if (!one.length) return drawValue(one.value, { names: seen.names, outside: isOutside(one.source) });
    const place = h("span", {}, recordText(one.value, { limit: 400, outside: isOutside(one.source) }), " ");
    place.append(button(`Load all ${one.length.toLocaleString("en")} characters`, async () => {
      const whole = await get(path);
      replace(place, recordText(String(whole[one.name] ?? "").slice(0, ALL_OF_IT), { limit: ALL_OF_IT + 1, outside: isOutside(one.source), block: true }));
    }, { kind: "link" }));
    return place;
  }

  /** Brings the field of a citation into sight. */
  #cite() {
    for (const one of this.querySelectorAll(".cited")) one.classList.remove("cited");
    const field = this.getAttribute("field");
    const place = field ? [...this.querySelectorAll("[data-field]")].find((one) => one.dataset.field === field) : null;
    if (!place) return this.querySelector("h2")?.focus({ preventScroll: true });
    place.closest("details")?.setAttribute("open", "");
    place.classList.add("cited");
    place.tabIndex = -1;
    place.focus({ preventScroll: true });
    return place.scrollIntoView({ block: "center" });
  }

  async #drawProposals(recordId) {
    const page = await getPage("/approvals/summaries", { record: recordId, limit: 20 });
    if (!page.items.length) return h("p", { class: "quiet-text" }, "Nothing.");
    return [
      h("ul", { class: "plain" }, page.items.map((one) => h("li", {},
        h("a", { href: `#/approvals/${one.approval_id}?view=all`, class: "record-text" }, h("bdi", {}, titleInWords(one.title))), " ",
        h("span", { class: "small quiet-text" }, neutralise(one.requester_name ?? one.requester), `, ${formatAgo(one.created_at)}`), " ",
        one.is_external && h("span", { class: "mark outside" }, "External text")))),
      page.next && h("p", {}, h("a", { href: `#/approvals?view=all&record=${encodeURIComponent(recordId)}` }, "All of them")),
    ];
  }

  async #drawWrites(path, place, before = null) {
    const page = await getPage(`${path}/writes`, { before, limit: 10 });
    if (!page.items.length && !before) return h("p", { class: "quiet-text" }, "Nothing that you may know of.");
    const again = () => this.#load(this.shown);
    const more = page.next && button("Earlier ones", async (event) => {
      event.target.remove();
      place.append(...[await this.#drawWrites(path, place, page.next)].flat().filter(Boolean));
    });
    return [h("ul", { class: "plain writes" }, page.items.map((one) => drawWrite(one, again))), more];
  }

  async #drawTimeline(path, place, limit) {
    const { entries, total } = await get(`${path}/timeline`, { limit });
    if (!entries.length) return h("p", { class: "quiet-text" }, "Nothing happened that you may see.");
    const more = entries.length < total && limit < 100 ? button(`More (${total} in all)`, () => this.#fill(place, () => this.#drawTimeline(path, place, 100))) : null;
    return [h("ol", { class: "timeline" }, entries.map((one) => h("li", {},
      h("p", { class: "small quiet-text" }, one.at ? (one.at.length > 10 ? formatInstant(one.at) : formatDay(one.at)) : "no date", ` · ${formatFieldName(one.object)}`),
      h("p", {}, recordLink(one.object, one.id, one.subject || formatFieldName(one.object), { outside: one.is_from_outside })),
      one.excerpt ? h("p", {}, recordText(one.excerpt, { limit: 200, outside: false })) : null))), more];
  }

  #drawRelated(list, path) {
    const body = h("tbody", {});
    const columns = list.columns.slice(0, 3);
    const add = (records, names) => body.append(...records.map((one) => h("tr", {},
      h("th", { scope: "row" }, recordLink(list.object, one.id, one.name, { outside: one.is_name_from_outside })),
      columns.map((name) => h("td", { "data-label": formatFieldName(name) }, drawValue(one.values[name], { names, outside: one.outside.includes(name), limit: 120 }))))));
    add(list.records, list.names);
    const more = list.total > list.records.length ? button(`Show more (${list.total} in all)`, async () => {
      const page = await get(`${path}/related/${list.object}/${list.field}`, { limit: 100 });
      body.replaceChildren();
      add(page.records, page.names);
      more.remove();
    }) : null;
    const title = `${formatFieldName(list.object)} (${list.total})`;
    return section(list.field.replace(/Id$/, "") === this.getAttribute("object") ? title : `${title} by ${formatFieldName(list.field)}`,
      h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": `Table of ${title} by ${formatFieldName(list.field)}` }, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Name"), columns.map((one) => h("th", { scope: "col" }, drawFieldName(one))))), body)), more);
  }
}

/** What the service keeps by itself needs no word; a value's own place is known from where it stands. */
function drawSource(one, seen) {
  if (!one.source || one.source.integrity === "system") return null;
  return h("span", { class: "source" }, isOutside(one.source) ? null : sourceMark(one.source), " ", h("span", { class: "small quiet-text" }, sourceWords(one.source, seen.names, { own: `${seen.object} ${seen.id}.${one.name}` })));
}

function section(title, ...children) {
  const id = newId("part");
  return h("section", { "aria-labelledby": id }, h("h3", { id }, title), children);
}

function drawWrite({ entry, undone_by: undoneBy, asked_by: askedBy }, again) {
  return h("li", { "data-entry": entry.entry_id },
    h("p", {}, h("strong", {}, toolName(entry.tool)), h("span", { class: "small quiet-text" }, ` for `, h("bdi", {}, neutralise(askedBy ?? entry.on_behalf_of)), `, ${formatAgo(entry.created_at)}`), " ",
      undoneBy && h("span", { class: "mark warn" }, "Taken back"), entry.undoes && h("span", { class: "mark" }, "Took something back")),
    entry.effects.map((effect) => h("ul", { class: "effect" }, effectLines(effect).map((line) => h("li", {}, line)))),
    h("div", { class: "row" },
      entry.approval_id && h("a", { class: "small", href: `#/approvals/${entry.approval_id}?view=all` }, "The request"),
      !undoneBy && button("Take back", () => takeBack({ entry_id: entry.entry_id }, { title: "Take this write back" }).then((did) => did && again())),
      button("Take back its whole run", () => takeBack({ run_id: entry.run_id }, { title: "Take the whole run back" }).then((did) => did && again()), { kind: "quiet" })));
}

function effectLines(effect) {
  if (effect.is_hidden) return ["A record that you may not see"];
  const names = new Set([...Object.keys(effect.before), ...Object.keys(effect.after)]);
  if (!names.size) return [[verbOf(effect.operation), " ", recordText(effect.name ?? effect.id, { limit: 120 })]];
  return [...names].map((name) => [drawFieldName(name), ": ", h("del", { class: "old" }, drawValue(effect.before[name], { limit: 120 })), " → ", h("ins", { class: "new" }, drawValue(effect.after[name], { limit: 120 }))]);
}

customElements.define("cs-record", RecordPanel);
