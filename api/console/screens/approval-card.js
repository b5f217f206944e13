// One request: what would change, where each value comes from, who decides, and what the person may do about it.

import { get } from "../lib/api.js";
import { announce, button, h, replace } from "../lib/dom.js";
import { fieldsInWords, formatAgo, formatDuration, formatFieldName, formatInstant, neutralise, rightsInWords } from "../lib/format.js";
import { drawCall, drawMessage } from "../lib/leaving.js";
import { drawFieldName, drawValue, isOutside, recordLink, sourceMark, sourceWords, toolName, verbOf } from "../lib/provenance.js";
import { outsideMark, recordText } from "../lib/text.js";

const KEPT_MS = 15_000;
const LABELS = { approve: "Approve", reject: "Reject", edit: "Edit", answer: "Respond", recall: "Recall", reassign: "Reassign", repropose: "Ask again with today's values" };
const KEYS = { approve: "a", reject: "r", edit: "e", answer: "w" };
const OPEN = new Set(["pending", "approved"]);
const kept = new Map();

/** The card, maybe one that was fetched a moment ago. */
export function fetchCard(id, { fresh = false } = {}) {
  const have = kept.get(id);
  if (!fresh && have && Date.now() - have.at < KEPT_MS) return have.card;
  const card = get(`/approvals/${encodeURIComponent(id)}`);
  kept.set(id, { at: Date.now(), card });
  card.catch(() => kept.delete(id));
  if (kept.size > 20) kept.delete(kept.keys().next().value);
  return card;
}

export function forgetCard(id) {
  kept.delete(id);
}

/** Why somebody should look twice before they approve; empty for a plain request. */
export function reasonsToLook(card) {
  const deletes = card.card.changes.some((one) => one.operation === "delete");
  return [
    ...(card.card.warnings ?? []).map(fieldsInWords),
    ...card.flags.map((one) => `A new text for ${one.field} ${one.marks.join(", ")}.`),
    ...(deletes ? ["A record would be deleted."] : []),
    ...(card.card.message ? ["An e-mail leaves the house; it cannot be called back."] : []),
  ];
}

class ApprovalCard extends HTMLElement {
  connectedCallback() {
    this.ticking = window.setInterval(() => this.#tick(), 1_000);
  }

  disconnectedCallback() {
    window.clearInterval(this.ticking);
  }

  /** Shows a request. `act(way, card)` is called for what the person wants to do. */
  async open(id, { act, fresh = false }) {
    this.wanted = id;
    this.act = act;
    if (this.card?.approval_id !== id) replace(this, h("p", { class: "empty", "aria-busy": "true" }, "Loading the request…"));
    try {
      const card = await fetchCard(id, { fresh });
      if (this.wanted !== id) return;
      this.#draw(card);
    } catch (problem) {
      if (this.wanted !== id) return;
      this.card = null;
      const words = [404, 410, 422].includes(problem.status) ? "There is no such request that you can see." : problem.message;
      replace(this, h("div", { class: "empty" }, h("p", {}, words), button("Try again", () => this.open(id, { act, fresh: true }))));
    }
  }

  /** How long it has been in sight: a key meant for the one before must not decide this one. */
  get shownFor() {
    return performance.now() - (this.shownAt ?? Infinity);
  }

  /** Says what becomes of a decision, in the place of the buttons. */
  say(words, { fault = false } = {}) {
    const place = this.querySelector(".decide");
    if (place) replace(place, h("p", { class: fault ? "fault" : "quiet-text", role: fault ? "alert" : "status" }, words));
  }

  #draw(card) {
    this.card = card;
    this.shownAt = performance.now();
    replace(this,
      h("article", { class: "approval", "aria-labelledby": "approval-title" },
        this.#head(card),
        this.#fate(card),
        card.stale.length ? drawStale(card) : null,
        this.#warnings(card),
        card.card.changes.map((change) => drawChange(change, card.names, { outside: card.outside_names, isAlone: card.card.changes.length === 1 && !card.card.message })),
        card.card.message ? drawMessage(card.card.message, { outside: card.is_external !== false }) : null,
        card.card.call ? drawCall(card.card.call) : null,
        this.#who(card)),
      this.#decide(card));
  }

  #head(card) {
    const first = card.card.changes[0];
    const more = card.card.changes.length - 1;
    return h("header", { class: "approval-head" },
      h("h2", { id: "approval-title", tabindex: "-1" },
        card.card.message ? "Send an e-mail" : card.card.call ? recordText(card.card.title, { limit: 160, opens: false }) : first ? nameChange(first, card.outside_names) : toolName(card.tool),
        more > 0 ? ` and ${more} more` : null),
      h("p", { class: "row small quiet-text" },
        h("span", {}, "Asked by ", h("bdi", {}, neutralise(card.names[card.requester] ?? card.requester)), ` ${formatAgo(card.created_at)} with ${toolName(card.tool)}`),
        card.is_external && h("span", { class: "mark outside" }, "External text"),
        card.is_tainted && h("span", { class: "mark warn" }, "Read outside text first"),
        card.has_escalated && card.status === "pending" && h("span", { class: "mark warn" }, "Escalated")),
      h("p", { class: "row small" },
        statusMark(card.status),
        card.status === "pending" && h("span", { class: "expiry", role: "timer", "data-expires": card.expires_at }, expiryWords(card.expires_at)),
        h("a", { href: `#/approvals?view=all&run=${encodeURIComponent(card.run_id)}` }, "All of this run")));
  }

  #fate(card) {
    const parts = [];
    if (card.decided_by || card.reason) {
      const by = card.decided_by ? [" by ", h("bdi", {}, neutralise(card.names[card.decided_by] ?? card.decided_by))] : null;
      parts.push(h("p", {}, STATUS_WORDS[card.status]?.[0] ?? neutralise(card.status), by, card.decided_at ? `, ${formatInstant(card.decided_at)}` : null));
      if (card.reason) parts.push(h("blockquote", {}, recordText(card.reason)));
    }
    if (card.status === "refused" && card.result?.message) parts.push(h("p", { class: "fault" }, "Not carried out: ", recordText(card.result.message)));
    if (card.replaced_by) parts.push(h("p", {}, h("a", { href: `#/approvals/${card.replaced_by}?view=all` }, "A newer request took its place")));
    if (card.replaces) parts.push(h("p", {}, "This is a new request in the place of ", h("a", { href: `#/approvals/${card.replaces}?view=all` }, "an earlier one"), "."));
    return parts.length ? h("div", { class: "fate" }, parts) : null;
  }

  #warnings(card) {
    const reasons = reasonsToLook(card);
    if (!reasons.length) return null;
    return h("div", { class: "notice", role: "note" }, h("strong", {}, "Look twice"), h("ul", {}, reasons.map((one) => h("li", {}, recordText(one)))));
  }

  #who(card) {
    const { asked, votes, names } = card;
    const agreed = votes.filter((one) => one.decision === "approve");
    const named = (text) => Object.entries(names).reduce((words, [id, name]) => words.replaceAll(id, name), text);
    return h("section", { class: "who-decides", "aria-label": "Who decides" },
      h("h3", {}, "Who decides"),
      h("ul", {},
        h("li", {}, `${agreed.length} of ${asked.votes} ${asked.votes === 1 ? "vote" : "votes"}`, asked.second_person ? "; a second person, not the requester" : null),
        asked.conditions.map((one) => h("li", {}, "Needs ", recordText(named(rightsInWords(one))))),
        asked.escalations.map((one) => h("li", {}, `From ${formatInstant(one.at)} on also: `, recordText(named(one.to)))),
        card.assignee && h("li", {}, "Put before ", h("bdi", {}, neutralise(names[card.assignee] ?? card.assignee))),
        votes.map((one) => h("li", {}, h("bdi", {}, neutralise(names[one.voter] ?? one.voter)), one.in_stead_of ? [" for ", h("bdi", {}, neutralise(names[one.in_stead_of] ?? one.in_stead_of))] : null, ` said ${neutralise(one.decision)}, ${formatAgo(one.at)}`))),
      h("p", { class: "small quiet-text" }, "Why it waits: ", recordText(fieldsInWords(card.rule.reason))),
      h("p", { class: "small quiet-text" }, "Digest ", h("code", {}, card.digest.slice(0, 12)), "…: your decision is about exactly what is shown here."));
  }

  #decide(card) {
    if (!card.ways.length) {
      const words = OPEN.has(card.status) ? "You may look at this request; deciding is up to others." : null;
      return words ? h("footer", { class: "decide" }, h("p", { class: "quiet-text" }, words)) : null;
    }
    const buttons = card.ways.map((way) =>
      h("button", { type: "button", class: `button ${way === "approve" ? "primary" : way === "reject" ? "danger" : ""}`, "data-way": way, onclick: () => this.act(way, card) },
        LABELS[way], KEYS[way] ? h("kbd", { "aria-hidden": "true" }, KEYS[way]) : null));
    return h("footer", { class: "decide" }, h("div", { class: "row", role: "group", "aria-label": "Decide" }, buttons));
  }

  #tick() {
    for (const place of this.querySelectorAll("[data-expires]")) {
      place.textContent = expiryWords(place.dataset.expires);
      const left = new Date(place.dataset.expires).getTime() - Date.now();
      place.classList.toggle("soon", left < 3_600_000);
      if (left <= 0 && !this.toldExpired) {
        this.toldExpired = true;
        announce("The request on the screen has expired");
        this.open(this.wanted, { act: this.act, fresh: true }).finally(() => { this.toldExpired = false; });
      }
    }
  }
}

const STATUS_WORDS = { pending: ["Waiting", "warn"], approved: ["Approved", "good"], applied: ["Carried out", "good"], rejected: ["Rejected", "bad"], edited: ["Edited", ""], answered: ["Answered", ""], recalled: ["Recalled", ""], expired: ["Expired", "warn"], refused: ["Refused", "bad"] };

/** A request's state in a word. */
export function statusMark(status) {
  const [word, kind] = STATUS_WORDS[status] ?? [neutralise(status), ""];
  return h("span", { class: `mark ${kind}` }, word);
}

export function expiryWords(iso) {
  const left = new Date(iso).getTime() - Date.now();
  if (Number.isNaN(left)) return "";
  if (left <= 0) return "Expired";
  if (left < 172_800_000) return `Expires in ${formatDuration(left)}`;
  return `Expires in ${Math.floor(left / 86_400_000)} days ${Math.floor((left % 86_400_000) / 3_600_000)} h`;
}

function cutName(name) {
  const text = neutralise(name).replace(/\s+/g, " ");
  return text.length > 140 ? `${text.slice(0, 140)}…` : text;
}

/** What is done to which record; the record's own name stands apart from the card's words. */
function nameChange(change, outside) {
  const name = change.operation === "create" ? h("bdi", { class: "record-text" }, cutName(change.name)) : recordLink(change.object, change.id, change.name);
  return [verbOf(change.operation), " ", formatFieldName(change.object), " ", outside.includes(change.id) ? [outsideMark(), h("span", { class: "named from-outside" }, name)] : h("span", { class: "named" }, name)];
}

/** One record's change: old and new of each field, and where each comes from. */
export function drawChange(change, names, { isAlone = false, outside = [] } = {}) {
  const isNew = change.operation === "create";
  const rows = change.fields.map((one) => h("tr", {},
    h("th", { scope: "row" }, drawFieldName(one.field)),
    isNew ? null : h("td", { "data-label": "Now", class: isOutside(one.old_source) ? "cell-outside" : "" }, h("del", { class: "old" }, drawValue(one.old, { names })), h("span", { class: "source" }, one.old === null ? null : sourceMark(one.old_source))),
    h("td", { "data-label": isNew ? "Value" : "Would be", class: isOutside(one.source) ? "cell-outside" : "" }, h("ins", { class: "new" }, drawValue(one.new, { names }))),
    h("td", { "data-label": "Source", class: "source-cell" }, sourceMark(one.source), " ", h("span", { class: "small quiet-text" }, sourceWords(one.source, names)))));
  return h("section", { class: "change" },
    isAlone ? null : h("h3", {}, nameChange(change, outside)),
    rows.length
      ? h("div", { class: "table-scroll", tabindex: "0", role: "group", "aria-label": `Fields of ${cutName(change.name)}` },
        h("table", { class: "diff" },
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Field"), isNew ? null : h("th", { scope: "col" }, "Now"), h("th", { scope: "col" }, isNew ? "Value" : "Would be"), h("th", { scope: "col" }, "Source of the new value"))),
          h("tbody", {}, rows)))
      : h("p", { class: "quiet-text" }, "The whole record."));
}

function drawStale(card) {
  return h("section", { class: "stale", "aria-label": "What changed meanwhile" },
    h("h3", {}, "The record changed after this was asked for"),
    h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Values that moved on" },
      h("table", { class: "diff" },
        h("thead", {}, h("tr", {}, ["Field", "When it was asked", "You were shown", "Stands there now", "Was to become"].map((one) => h("th", { scope: "col" }, one)))),
        h("tbody", {}, card.stale.map((one) => h("tr", {},
          h("th", { scope: "row" }, drawFieldName(one.field)),
          [["When it was asked", one.old], ["You were shown", one.seen], ["Stands there now", one.current], ["Was to become", one.new]].map(([label, value]) => h("td", { "data-label": label }, drawValue(value, { names: card.names })))))))));
}

customElements.define("cs-approval-card", ApprovalCard);
