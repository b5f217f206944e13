// What was written, by run and by record, with before and after; taking it back.

import { get, getPage } from "../lib/api.js";
import { button, h, newId, replace } from "../lib/dom.js";
import { formatFieldName, formatInstant } from "../lib/format.js";
import { idsIn, isId, learnNames, person, recordLink, value } from "../lib/names.js";
import { ago, facts, inWords, mark, pageHead, plural, Screen } from "../lib/page.js";
import { verbOf } from "../lib/provenance.js";
import { session } from "../lib/session.js";
import { recordText } from "../lib/text.js";
import { takeBack } from "../lib/undoing.js";

const STATES = { applied: "good", refused: "bad", pending: "warn", unknown: "warn" };
const MOST_FIELDS = 12;

class Ledger extends Screen {
  static observedAttributes = ["by", "subject", "object", "status", "whose"];

  draw() {
    const by = this.getAttribute("by");
    const subject = this.getAttribute("subject");
    this.place = h("div", { class: "ledger-list" });
    if (by === "run" && subject) this.#drawRun(subject);
    else this.#drawList(by === "record" || by === "entry" ? { by, subject } : null);
  }

  get #seesAll() {
    return session.me.permissions.includes("read_audit") && session.me.scopes.includes("audit:read");
  }

  #drawList(one) {
    replace(this, h("div", { class: "page" },
      pageHead(one?.by === "record" ? "What was written to this record" : one ? "One write" : "Ledger", one && h("a", { class: "button", href: "#/ledger" }, "The whole ledger")),
      one || this.#seesAll ? null : h("p", { class: "quiet-text" }, "What you asked for or agreed to."),
      one ? null : this.#filters(),
      this.place));
    this.fill(this.place, async (signal) => {
      if (one?.by === "entry") {
        const entry = await get(`/ledger/${encodeURIComponent(one.subject)}`, null, { signal });
        return this.#withNames([entry], signal);
      }
      return this.#pageOf({ ...this.#query(one), limit: 50 }, signal);
    });
  }

  #query(one) {
    const mine = this.getAttribute("whose") === "me" || !this.#seesAll;
    return { record_id: one?.subject, object: this.getAttribute("object"), status: this.getAttribute("status"), person: mine ? session.me.id : null };
  }

  async #pageOf(query, signal) {
    const page = await getPage("/ledger", query, { signal });
    const nodes = await this.#withNames(page.items, signal);
    if (!page.items.length) return h("p", { class: "empty" }, query.record_id || query.object || query.status ? "Nothing was written that fits." : "Nothing was written yet. What the copilot changes, once it was approved, is listed here.");
    if (page.next) {
      const more = h("div", { class: "more" }, button("Show older", async () => {
        replace(more, h("p", { class: "quiet-text" }, "Loading…"));
        more.replaceWith(...[await this.#pageOf({ ...query, before: page.next }, this.signal)].flat(Infinity));
      }));
      return [nodes, more].flat();
    }
    return nodes;
  }

  async #withNames(entries, signal) {
    await learnNames(entries.flatMap((one) => [one.on_behalf_of, ...one.effects.flatMap((effect) => [effect.id, ...idsIn(effect.before), ...idsIn(effect.after)])]), signal);
    return entries.map((one) => this.#entry(one));
  }

  #entry(entry) {
    const isOpen = entry.effects.length <= 3;
    const canUndo = entry.status === "applied" && session.me.scopes.includes("approvals:decide");
    return h("article", { class: "card entry", "aria-label": `${inWords(entry.tool)}, ${formatInstant(entry.created_at)}` },
      h("div", { class: "entry-head" },
        h("h2", {}, inWords(entry.tool), entry.undoes && [" of ", h("a", { href: `#/ledger/entry/${entry.undoes}` }, "an earlier write")]),
        mark(entry.status, STATES[entry.status] ?? ""),
        h("span", { class: "quiet-text small entry-when" }, ago(entry.created_at))),
      h("p", { class: "small quiet-text" }, `${inWords(entry.agent)} for `, person(entry.on_behalf_of), " · ",
        h("a", { href: `#/ledger/run/${entry.run_id}` }, "all of this run"),
        entry.approval_id && [" · ", h("a", { href: `#/approvals/${entry.approval_id}` }, "the request")]),
      entry.reason && h("p", { class: "notice small" }, recordText(entry.reason)),
      isOpen ? entry.effects.map(effectOf) : h("details", {}, h("summary", {}, `${plural(entry.effects.length, "record")} touched`), entry.effects.map(effectOf)),
      canUndo ? h("div", { class: "row" }, button("Take back…", () => this.#undo({ entry_id: entry.entry_id }, "Take this write back"), { drawing: "retry" })) : null);
  }

  #drawRun(run) {
    replace(this, h("div", { class: "page" }, pageHead("What this run wrote", h("a", { class: "button", href: "#/ledger" }, "The whole ledger")), this.place));
    this.fill(this.place, async (signal) => {
      const touched = await get(`/runs/${encodeURIComponent(run)}/touched`, null, { signal });
      const written = await this.#withNames(touched.written, signal);
      const canUndo = touched.written.some((one) => one.status === "applied") && session.me.scopes.includes("approvals:decide");
      return [
        h("div", { class: "card run-facts" },
          facts([["Asked for", plural(touched.proposed.length, "change")], ["Written", plural(touched.written.length, "write")], ["Sent", plural(touched.sent.length, "message")]]),
          canUndo ? button("Take all of it back…", () => this.#undo({ run_id: run }, "Take back all that this run wrote"), { kind: "danger", drawing: "retry" }) : null),
        touched.proposed.length ? h("section", { "aria-label": "Requests" }, h("h2", {}, "Requests"), h("ul", { class: "plain" }, touched.proposed.map((one) =>
          h("li", {}, h("a", { href: `#/approvals/${one.approval_id}` }, inWords(one.tool)), " ", mark(one.status))))) : null,
        touched.sent.length ? h("p", { class: "notice" }, "A message that has left the house cannot be called back.") : null,
        written,
      ];
    });
  }

  async #undo(subject, title) {
    if (await takeBack(subject, { title })) this.draw();
  }

  #filters() {
    const ids = { who: newId("who"), status: newId("status"), find: newId("find") };
    const go = (changes) => {
      const kept = { object: this.getAttribute("object"), status: this.getAttribute("status"), whose: this.getAttribute("whose"), ...changes };
      const query = new URLSearchParams(Object.entries(kept).filter(([, one]) => one)).toString();
      window.location.hash = query ? `#/ledger?${query}` : "#/ledger";
    };
    const select = (id, name, options) => {
      const made = h("select", { id, onchange: () => go({ [name]: made.value }) }, options.map(([key, words]) => h("option", { value: key }, words)));
      made.value = this.getAttribute(name) ?? "";
      return made;
    };
    const find = h("input", { id: ids.find, type: "search", placeholder: "Id of a run or record", autocomplete: "off", spellcheck: "false" });
    return h("form", { class: "filters", role: "search", onsubmit: (event) => {
      event.preventDefault();
      const text = find.value.trim();
      if (isId(text)) window.location.hash = `#/ledger/record/${text}`;
      else if (text) window.location.hash = `#/ledger/run/${encodeURIComponent(text)}`;
    } },
    this.#seesAll ? h("div", { class: "field" }, h("label", { for: ids.who }, "Whose"), select(ids.who, "whose", [["", "Everybody's"], ["me", "What I asked for or agreed to"]])) : null,
    h("div", { class: "field" }, h("label", { for: ids.status }, "State"), select(ids.status, "status", [["", "Any"], ["applied", "Applied"], ["refused", "Refused"]])),
    h("div", { class: "field" }, h("label", { for: ids.find }, "Find"), find),
    button("Show", null, { type: "submit", drawing: "search" }));
  }
}

function effectOf(effect) {
  const names = [...new Set([...Object.keys(effect.before), ...Object.keys(effect.after)])].filter((name) => effect.before[name] !== effect.after[name]);
  const rows = names.map((name) => h("tr", {},
    h("th", { scope: "row" }, formatFieldName(name)),
    h("td", { class: "before" }, value(effect.before[name])),
    h("td", { class: "after" }, value(effect.after[name]))));
  const rest = rows.splice(MOST_FIELDS);
  const body = h("tbody", {}, rows);
  return h("section", { class: "effect-of" },
    h("h3", {}, `${verbOf(effect.operation)} ${formatFieldName(effect.object)}: `, recordLink(effect.id, { object: effect.object, name: effect.name }),
      " ", h("a", { class: "small history-link", href: `#/ledger/record/${effect.id}` }, "its history")),
    effect.is_hidden ? h("p", { class: "quiet-text small" }, "You may not see this record; its values are left out.") : null,
    rows.length ? h("div", { class: "table-scroll", tabindex: "0", role: "group", "aria-label": `Fields of ${formatFieldName(effect.object)}` },
      h("table", { class: "before-after" }, h("thead", {}, h("tr", {}, ["Field", "Before", "After"].map((one) => h("th", { scope: "col" }, one)))), body)) : null,
    rest.length ? button(`Show ${rest.length} more`, (event) => { body.append(...rest); event.target.remove(); }, { kind: "link" }) : null);
}

customElements.define("cs-ledger", Ledger);
