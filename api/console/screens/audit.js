// The audit: what happened, and the proof that it is still what was entered.

import { get, getPage, send } from "../lib/api.js";
import { notify } from "../lib/dialog.js";
import { announce, button, h, newId, replace } from "../lib/dom.js";
import { formatInstant, formatNumber } from "../lib/format.js";
import { isId, learnNames, person } from "../lib/names.js";
import { facts, pageHead, plural, refusal, Screen } from "../lib/page.js";
import { proves } from "../lib/proof.js";
import { aboutOf, idsOf, kindInWords, payloadOf } from "./audit-words.js";

const KINDS = ["turn.finished", "workflow.finished", "approval.requested", "approval.approved", "approval.rejected", "approval.expired", "approval.recalled", "effect.applied", "effect.refused", "switch.on", "switch.off", "policy.changed", "preapproval.granted", "gateway.changed", "retention.changed", "audit.exported"];
const FILTERS = ["kind", "actor", "subject", "since", "until"];

class Audit extends Screen {
  static observedAttributes = FILTERS;

  draw() {
    this.list = h("div", { class: "stack" });
    this.proof = h("div", { class: "stack", "aria-live": "polite" });
    replace(this, h("div", { class: "page" },
      pageHead("Audit", button("Export", () => this.#export(), { drawing: "download" }), button("Verify", () => this.#verify(), { kind: "primary", drawing: "shield" })),
      this.proof, this.#filters(), this.list));
    this.fill(this.list, (signal) => this.#page(null, signal));
  }

  #query() {
    const found = Object.fromEntries(FILTERS.map((name) => [name, this.getAttribute(name)]));
    for (const name of ["since", "until"]) if (found[name]) found[name] = new Date(found[name]).toISOString();
    return found;
  }

  async #page(after, signal) {
    const page = await getPage("/audit", { ...this.#query(), order: "desc", limit: 50, after }, { signal });
    await learnNames(page.items.flatMap(idsOf), signal);
    if (!page.items.length && after === null) return h("p", { class: "empty" }, "No entry fits.");
    const more = page.next && h("div", { class: "more" }, button("Show older", async () => {
      more.replaceWith(...[await this.#page(page.next, this.signal)].flat().filter(Boolean));
    }));
    return [h("ol", { class: "audit-entries", "aria-label": "Entries" }, page.items.map((one) => this.#entry(one))), more];
  }

  #entry(entry) {
    const proof = h("div", { "aria-live": "polite" });
    return h("li", { class: "card audit-entry" },
      h("div", { class: "entry-head" }, h("span", { class: "quiet-text number small" }, `#${entry.index}`), h("strong", { title: entry.kind }, kindInWords(entry.kind)),
        h("span", { class: "small" }, person(entry.actor)),
        h("span", { class: "small" }, h("span", { class: "quiet-text" }, "About "), aboutOf(entry)),
        h("time", { class: "quiet-text small entry-when", datetime: entry.at }, formatInstant(entry.at))),
      h("details", {}, h("summary", { class: "small" }, "What was entered"),
        entry.payload === null ? h("p", { class: "quiet-text" }, "Erased. Its place and its hash stay.") : payloadOf(entry.payload),
        facts([["Hash of the entry", h("code", { class: "id" }, entry.leaf)]]),
        h("div", { class: "row" }, button("Prove that it is in the log", () => this.#prove(entry, proof))), proof));
  }

  async #prove(entry, place) {
    await this.fill(place, async (signal) => {
      const proof = await get(`/audit/proof/${entry.index}`, null, { signal });
      if (!window.crypto?.subtle) return h("p", { class: "notice small" }, "This page has no secure connection, so the browser works out no hashes. The proof is at ", h("code", {}, `/audit/proof/${entry.index}`), ".");
      const holds = proof.leaf === entry.leaf && await proves(proof);
      return h("p", { class: holds ? "notice-good small" : "fault" }, holds
        ? `Worked out in this browser: with ${plural(proof.proof.length, "further hash", "further hashes")}, this entry leads to the root ${proof.root.slice(0, 16)}… of ${formatNumber(proof.size)} entries.`
        : "The proof does not hold: this entry does not lead to the root of the log.");
    });
  }

  async #verify() {
    await this.fill(this.proof, async (signal) => {
      const [said, head] = [await get("/audit/verify", null, { signal }), await get("/audit/head", null, { signal })];
      const isGood = said.first_bad === null && said.heads.length === 0;
      announce(isGood ? "The log is whole" : "The log is not whole");
      return h("section", { class: `card verdict ${isGood ? "is-good" : "is-bad"}`, "aria-label": "Verification" },
        h("h2", {}, isGood ? "The log is whole" : "The log is not what was entered"),
        h("ul", {},
          h("li", {}, said.first_bad === null ? `All ${formatNumber(said.size)} entries fit their hashes, one by one, and together the root.` : `Entry ${said.first_bad}: ${said.reason}.`),
          h("li", {}, said.heads.length ? said.heads.map((one) => h("p", { class: "fault" }, one)) : said.covered
            ? `The first ${formatNumber(said.covered)} of them are as they were when their head was signed and exported.`
            : "No signed head was exported yet: nothing outside the database speaks for these entries."),
          said.covered && said.size > said.covered ? h("li", {}, `The newest ${formatNumber(said.size - said.covered)} have no exported head yet.`) : null),
        facts([["Root", h("code", { class: "id" }, said.root)], head.signed && ["Signed last", `${formatInstant(head.signed.at)}, ${formatNumber(head.signed.size)} entries, key ${head.signed.key}`]]));
    });
  }

  async #export() {
    try {
      const response = await send("GET", "/audit/export", { query: this.#query(), signal: this.signal });
      const url = URL.createObjectURL(await response.blob());
      const link = h("a", { download: "audit.jsonl", hidden: true });
      link.setAttribute("href", url);
      this.append(link);
      link.click();
      link.remove();
      window.setTimeout(() => URL.revokeObjectURL(url), 60_000);
      notify("The export is in your downloads. That it was made is an entry of the audit.");
    } catch (problem) {
      if (problem.name === "AbortError") return;
      replace(this.proof, refusal(problem, () => this.#export()));
    }
  }

  #filters() {
    const list = newId("kinds");
    const inputs = {};
    const field = (name, label, attrs) => {
      const id = newId(name);
      inputs[name] = h("input", { id, autocomplete: "off", ...attrs });
      inputs[name].value = this.getAttribute(name) ?? "";
      return h("div", { class: "field" }, h("label", { for: id }, label), inputs[name]);
    };
    const fault = h("p", { class: "fault", role: "alert", hidden: true });
    const isOpen = window.matchMedia("(min-width: 40rem)").matches || FILTERS.some((name) => this.hasAttribute(name));
    return h("details", { class: "filter-fold", open: isOpen }, h("summary", {}, "Filter"), h("form", { class: "audit-filters", role: "search", onsubmit: async (event) => {
      event.preventDefault();
      fault.hidden = true;
      const query = new URLSearchParams();
      try {
        for (const name of FILTERS) {
          const text = inputs[name].value.trim();
          if (text) query.set(name, name === "actor" ? await personId(text) : text);
        }
      } catch (error) {
        fault.textContent = error.message;
        fault.hidden = false;
        return;
      }
      window.location.hash = query.size ? `#/audit?${query}` : "#/audit";
    } },
    field("since", "From", { type: "datetime-local" }), field("until", "Until", { type: "datetime-local" }),
    field("kind", "Kind", { list, spellcheck: "false", placeholder: "Any" }), h("datalist", { id: list }, KINDS.map((one) => h("option", { value: one }, kindInWords(one)))),
    field("actor", "Person", { placeholder: "Name or id" }), field("subject", "About", { placeholder: "Record, request or run id", spellcheck: "false" }),
    button("Show", null, { type: "submit", drawing: "search" }), fault));
  }
}

async function personId(text) {
  if (isId(text)) return text;
  try {
    return (await get("/records/User", { name: text })).Id;
  } catch (problem) {
    throw problem.status === 404 ? new Error("There is nobody of this name, or several.") : problem;
  }
}

customElements.define("cs-audit", Audit);
