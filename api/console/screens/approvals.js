// The inbox: what waits for whom, found and decided without the mouse.

import { get, getPage, Unreachable } from "../lib/api.js";
import { notify, openDialog } from "../lib/dialog.js";
import { announce, button, h, newId, replace } from "../lib/dom.js";
import { formatAgo, neutralise, titleInWords } from "../lib/format.js";
import { describeKeys, listenToKeys } from "../lib/keys.js";
import { VirtualList } from "../lib/list.js";
import { outsideMark } from "../lib/text.js";
import { expiryWords, fetchCard, forgetCard, reasonsToLook, statusMark } from "./approval-card.js";
import "./approval-batch.js";
import { FATES, fieldsInShort, FILTERS, HELP, PICKS, ROW_HEIGHT, VIEWS } from "./approval-words.js";
import { askToLook, decide, edit, reassign, recall, reject, repropose, respond } from "./approval-dialogs.js";

const PAGE = 200;
const NEAR = 80; // rows from the end at which the next page is fetched
const LOOK_EVERY_MS = 15_000;
const TOO_FAST_MS = 350;
const MOST_AT_ONCE = 100;

class Approvals extends HTMLElement {
  static observedAttributes = ["approval", ...FILTERS];

  connectedCallback() {
    this.chosen = new Set();
    this.items = [];
    this.list = new VirtualList({ label: "Requests", rowHeight: ROW_HEIGHT, key: (one) => one.approval_id, draw: (one) => this.#drawRow(one), onopen: (one) => this.#go(one.approval_id, { read: true }), onfocus: (one, place) => this.#reach(one, place) });
    this.list.element.addEventListener("scroll", () => this.#fetchMore(Math.ceil((this.list.element.scrollTop + this.list.element.clientHeight) / ROW_HEIGHT)), { passive: true });
    this.card = document.createElement("cs-approval-card");
    this.batch = document.createElement("cs-approval-batch");
    this.batch.hidden = true;
    this.views = h("div", { class: "views", role: "group", "aria-label": "View" });
    this.note = h("p", { class: "empty", role: "status", hidden: true });
    this.bar = h("div", { class: "choice", hidden: true });
    this.moved = h("p", { class: "moved small", hidden: true });
    replace(this,
      h("section", { class: "inbox", "aria-label": "Inbox" },
        h("div", { class: "inbox-head" }, h("h1", {}, "Approvals"), button("Keys and help", () => this.#help(), { kind: "quiet", class: "button quiet help" })),
        this.views, this.#drawFilters(), this.bar, this.moved, this.note, this.list.element),
      h("section", { class: "reading", "aria-label": "Request" },
        button("Back to the list", () => this.#go(null), { kind: "quiet", class: "button quiet back", drawing: "back" }), this.card, this.batch));
    this.endKeys = listenToKeys({
      j: () => this.#step(1), k: () => this.#step(-1), ArrowDown: () => this.#step(1), ArrowUp: () => this.#step(-1),
      Enter: () => this.#read(), a: () => this.#press("approve"), r: () => this.#press("reject"), e: () => this.#press("edit"),
      w: () => this.#press("answer"), x: () => this.#toggle(this.getAttribute("approval")), b: () => this.#together(), "?": () => this.#help(),
    });
    this.looking = window.setInterval(() => document.hidden || this.#count(), LOOK_EVERY_MS);
    this.isThere = true;
    this.#load();
  }

  disconnectedCallback() {
    this.isThere = false;
    this.endKeys();
    window.clearInterval(this.looking);
  }

  attributeChangedCallback(name, before, now) {
    if (!this.isThere || before === now) return;
    if (name !== "approval") {
      this.stale = true;
      queueMicrotask(() => {
        if (!this.stale) return;
        this.stale = false;
        this.#load();
      });
    } else this.#show();
  }

  get #question() {
    const [status, external, escalated] = [this.getAttribute("status"), this.getAttribute("external"), this.getAttribute("escalated")];
    return {
      view: this.getAttribute("view") ?? "mine", sort: this.getAttribute("sort") ?? "oldest",
      status: status === "decided" ? FATES : status, record: this.getAttribute("record"), run_id: this.getAttribute("run"),
      object: this.getAttribute("object"), tool: this.getAttribute("tool"), external, escalated,
    };
  }

  // The list

  async #load() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    this.next = null;
    this.chosen.clear();
    this.#drawChoice();
    this.#syncFilters();
    this.list.element.setAttribute("aria-busy", "true");
    try {
      const [page] = await Promise.all([getPage("/approvals/summaries", { ...this.#question, limit: PAGE }), this.#count()]);
      if (turn !== this.turn || !this.isThere) return;
      this.items = page.items;
      this.next = page.next;
      this.list.setItems(this.items);
      this.#sayHowMany();
    } catch (problem) {
      if (turn !== this.turn) return;
      this.items = [];
      this.list.setItems([]);
      replace(this.note, problem.message, " ", button("Try again", () => this.#load()));
      this.note.hidden = false;
    } finally {
      this.list.element.removeAttribute("aria-busy");
    }
    this.#show();
  }

  async #fetchMore(place) {
    if (!this.next || this.isFetching || place < this.items.length - NEAR) return;
    this.isFetching = true;
    const turn = this.turn;
    try {
      const page = await getPage("/approvals/summaries", { ...this.#question, limit: PAGE, cursor: this.next });
      if (turn !== this.turn) return;
      this.next = page.next;
      const known = new Set(this.items.map((one) => one.approval_id));
      this.items = [...this.items, ...page.items.filter((one) => !known.has(one.approval_id))];
      this.list.setItems(this.items);
    } finally {
      this.isFetching = false;
    }
  }

  async #count() {
    try {
      const counts = await get("/approvals/counts");
      const view = this.getAttribute("view") ?? "mine";
      const now = h("div", {}, VIEWS.map(([name, label]) => h("a", { href: this.#hash({ view: name === "mine" ? null : name, approval: null }), class: "view", "aria-current": name === view ? "true" : null }, label, " ", h("span", { class: "count" }, String(counts[name])))));
      if (this.views.contains(document.activeElement)) this.views.querySelectorAll(".count").forEach((one, place) => { one.textContent = String(counts[VIEWS[place][0]]); });
      else replace(this.views, ...now.childNodes);
      this.#offerFresh(counts[view]);
    } catch (problem) {
      if (!(problem instanceof Unreachable)) throw problem;
    }
  }

  /** Says when others have asked or decided meanwhile; the list moves only when the person wants it to. */
  #offerFresh(count) {
    const hasMoved = !this.#isFiltered() && !this.next && !this.list.element.hasAttribute("aria-busy") && !this.acting && count !== this.items.length;
    if (hasMoved && this.moved.hidden) replace(this.moved, h("span", { role: "status" }, "The list has changed. "), button("Show it as it is now", () => this.#load(), { kind: "link" }));
    this.moved.hidden = !hasMoved;
  }

  #sayHowMany() {
    this.note.hidden = this.items.length > 0;
    if (!this.items.length) replace(this.note, this.#isFiltered() ? "Nothing fits these filters." : "Nothing waits here.");
    announce(`${this.items.length}${this.next ? " or more" : ""} requests`);
  }

  #isFiltered() {
    return FILTERS.some((name) => name !== "view" && name !== "sort" && this.hasAttribute(name));
  }

  #drawRow(one) {
    const isOpen = one.approval_id === this.getAttribute("approval");
    const box = h("input", { type: "checkbox", tabindex: "-1", "aria-label": `Choose: ${neutralise(one.title).slice(0, 80)}`, onchange: () => this.#toggle(one.approval_id) });
    box.checked = this.chosen.has(one.approval_id);
    const left = new Date(one.expires_at).getTime() - Date.now();
    return h("div", { class: `line${isOpen ? " open" : ""}`, "aria-current": isOpen ? "true" : null },
      one.may_decide && one.status === "pending" ? box : h("span", { class: "no-box" }),
      h("div", { class: "line-words" },
        h("p", { class: "line-title" }, one.is_named_outside && outsideMark(), h("bdi", { class: "record-text" }, titleInWords(one.title))),
        h("p", { class: "line-about small quiet-text" }, h("bdi", {}, neutralise(one.requester_name ?? one.requester)), ` · ${fieldsInShort(one)} · ${formatAgo(one.created_at)}`),
        h("p", { class: "line-marks" },
          one.status === "pending" ? h("span", { class: `small ${left < 86_400_000 ? "soon" : "quiet-text"}` }, expiryWords(one.expires_at)) : statusMark(one.status),
          one.is_external && h("span", { class: "mark outside" }, "External text"),
          one.is_tainted && h("span", { class: "mark warn" }, "Read outside text"),
          one.has_escalated && one.status === "pending" && h("span", { class: "mark warn" }, "Escalated"),
          one.votes > 1 && h("span", { class: "mark" }, `${one.agreed} of ${one.votes} votes`))));
  }

  // Filters

  #drawFilters() {
    this.inputs = {};
    const fields = PICKS.map(([name, label, options]) => {
      const id = newId(name);
      const input = h("select", { id, onchange: () => this.#set({ [name]: input.value || null }) }, options.map(([value, words]) => h("option", { value }, words)));
      this.inputs[name] = input;
      return h("div", { class: "field" }, h("label", { for: id }, label), input);
    });
    this.fixed = h("div", { class: "row fixed" });
    return h("details", { class: "filters" }, h("summary", {}, "Filter and sort"), h("div", { class: "filter-fields" }, fields), this.fixed);
  }

  #syncFilters() {
    for (const [name, input] of Object.entries(this.inputs)) input.value = this.getAttribute(name) ?? "";
    const chip = (name, words) => this.hasAttribute(name) && button(`${words} ✕`, () => this.#set({ [name]: null }), { "aria-label": `No longer ${words.toLowerCase()}` });
    replace(this.fixed, chip("record", "About one record"), chip("run", "Of one run"), chip("tool", `With ${this.getAttribute("tool")}`));
    if (this.fixed.childElementCount) this.fixed.parentElement.open = true;
  }

  #hash(changed = {}) {
    const has = Object.fromEntries(["approval", ...FILTERS].map((name) => [name, this.getAttribute(name)]));
    const { approval, ...query } = { ...has, ...changed };
    const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
    return `#/approvals${approval ? `/${approval}` : ""}${text ? `?${text}` : ""}`;
  }

  #set(changed) {
    window.location.hash = this.#hash({ ...changed, approval: null });
  }

  // The card

  #go(id, { read = false } = {}) {
    this.wantsToRead = read;
    const hash = this.#hash({ approval: id });
    if (hash === window.location.hash) this.#show();
    else window.location.replace(hash);
  }

  #reach(one, place) {
    this.#fetchMore(place);
    // On a narrow page the card takes the list's place: it is opened by Enter only.
    if (one.approval_id !== this.getAttribute("approval") && window.matchMedia("(min-width: 60rem)").matches) this.#go(one.approval_id);
  }

  #show() {
    const id = this.getAttribute("approval");
    this.classList.toggle("reads", id !== null || !this.batch.hidden);
    if (id !== this.shownRow) {
      const before = this.items.findIndex((one) => one.approval_id === this.shownRow);
      this.shownRow = id;
      for (const place of [before, this.items.findIndex((one) => one.approval_id === id)]) if (place >= 0) this.#redraw(place);
    }
    if (id === null) {
      if (this.batch.hidden) replace(this.card, h("p", { class: "empty nothing-open" }, "Choose a request to see what it would change. Press ", h("kbd", {}, "?"), " for the keys."));
      return;
    }
    this.batch.hidden = true;
    this.card.hidden = false;
    const read = this.wantsToRead;
    this.wantsToRead = false;
    this.card.open(id, { act: (way, card) => this.#act(way, card) }).then(() => {
      if (read) this.card.querySelector("h2")?.focus();
      this.querySelector(".reading").scrollTop = 0;
    });
    const next = this.items[this.items.findIndex((one) => one.approval_id === id) + 1];
    if (next) window.setTimeout(() => this.isThere && this.getAttribute("approval") === id && fetchCard(next.approval_id).catch(() => null), 120);
  }

  #redraw(place) {
    const hadFocus = this.list.rows.get(place) === document.activeElement;
    this.list.refresh(place);
    if (hadFocus) this.list.keep(() => this.list.rows.get(place)?.focus({ preventScroll: true }));
  }

  #read() {
    if (this.getAttribute("approval")) this.card.querySelector("h2")?.focus();
    else if (this.items.length) this.#step(0);
  }

  #step(by) {
    if (!this.items.length) return;
    const at = this.items.findIndex((one) => one.approval_id === this.getAttribute("approval"));
    const place = at < 0 ? 0 : Math.max(0, Math.min(at + by, this.items.length - 1));
    this.list.focus(place);
    this.#go(this.items[place].approval_id);
  }

  #press(way) {
    const card = this.card.card;
    if (!card || this.card.hidden || card.approval_id !== this.getAttribute("approval")) return;
    if (!card.ways.includes(way)) return announce("That is not yours to do here");
    if (way === "approve" && this.card.shownFor < TOO_FAST_MS) return announce("This card has just come up: look at it first");
    return this.#act(way, card);
  }

  async #act(way, card) {
    if (this.acting === card.approval_id) return;
    this.acting = card.approval_id;
    try {
      if (way === "approve") await this.#approve(card);
      else if (way === "repropose") this.#replaced(await repropose(card), card, "Asked again with today's values: this is the new request.");
      else if (way === "edit") this.#edited(await edit(card), card);
      else if (way === "reassign") {
        const moved = await reassign(card);
        if (moved) await this.#again(card, "Put before them.");
      } else {
        const told = await { reject, answer: respond, recall }[way](card);
        if (told) this.#closed(told.approval);
      }
    } catch (problem) {
      await this.#failed(problem, card);
    } finally {
      this.acting = null;
    }
  }

  async #approve(card) {
    const isPlain = !reasonsToLook(card).length;
    if (!(await askToLook(card))) return;
    this.card.say("Approving…");
    const told = decide(card, "approve");
    if (isPlain) {
      this.acting = null;
      this.#advance(card.approval_id);
      told.then((answer) => this.#closed(answer.approval), (problem) => this.#failed(problem, card));
      return;
    }
    this.#closed((await told).approval);
  }

  /** On to the next one; the decided one's row stays until the answer is there. */
  #advance(id) {
    const at = this.items.findIndex((one) => one.approval_id === id);
    const next = this.items[at + 1] ?? this.items[at - 1];
    if (next && this.getAttribute("approval") === id) {
      this.list.focus(this.items.indexOf(next));
      this.#go(next.approval_id);
    }
  }

  #closed(approval) {
    const id = approval.approval_id;
    forgetCard(id);
    const at = this.items.findIndex((one) => one.approval_id === id);
    const title = at >= 0 ? titleInWords(this.items[at].title) : "The request";
    const words = { applied: "carried out", rejected: "rejected", answered: "answered", recalled: "recalled", refused: "not carried out", pending: "has your vote and waits for others", approved: "approved" }[approval.status] ?? approval.status;
    const text = `${title.slice(0, 80)}: ${words}`;
    const look = { label: "Look why", run: () => { window.location.hash = `#/approvals/${id}?view=all`; } };
    notify(text, approval.status === "refused" ? { kind: "fault", action: look } : {});
    const isShown = this.getAttribute("approval") === id;
    if (approval.status === "pending") {
      if (isShown) this.card.open(id, { act: this.card.act, fresh: true });
    } else if (at >= 0 && !this.hasAttribute("status")) {
      const hadFocus = this.contains(document.activeElement) || document.activeElement === document.body;
      this.chosen.delete(id);
      if (isShown && approval.status !== "refused") this.#advance(id);
      this.items = this.items.filter((one) => one.approval_id !== id);
      this.list.setItems(this.items);
      if (!this.items.length) {
        this.#sayHowMany();
        if (isShown && approval.status !== "refused") this.#go(null);
      } else if (hadFocus && !this.list.space.contains(document.activeElement) && this.getAttribute("approval")) {
        this.list.focus(Math.max(0, this.items.findIndex((one) => one.approval_id === this.getAttribute("approval"))));
      }
      if (isShown && approval.status === "refused") this.card.open(id, { act: this.card.act, fresh: true });
    } else if (isShown) this.card.open(id, { act: this.card.act, fresh: true });
    this.#count();
  }

  #edited(told, card) {
    if (told) this.#replaced(told.approval, card, "Your edit made a new request, which waits to be decided. The earlier one is closed.");
  }

  #replaced(approval, card, words) {
    forgetCard(card.approval_id);
    notify(words);
    window.location.hash = `#/approvals/${approval.approval_id}?view=all`;
  }

  async #again(card, words) {
    forgetCard(card.approval_id);
    notify(words);
    await this.card.open(card.approval_id, { act: this.card.act, fresh: true });
  }

  /** Of a decision that was not taken, or of which nobody knows: the card says so and is looked at again. */
  async #failed(problem, card) {
    forgetCard(card.approval_id);
    if (problem instanceof Unreachable || problem.status >= 500) {
      if (this.getAttribute("approval") === card.approval_id) this.card.say("The service does not answer. Looking whether your decision was taken…", { fault: true });
      await this.#untilThere(card.approval_id);
    }
    const isShown = this.getAttribute("approval") === card.approval_id;
    notify(problem.kind === "digest-mismatch" ? "The request is not what you were shown. Look at it again before you decide." : problem.message, { kind: "fault" });
    if (isShown) await this.card.open(card.approval_id, { act: this.card.act, fresh: true });
    this.#count();
  }

  async #untilThere(id) {
    for (let tries = 0; tries < 60 && this.isThere; tries += 1) {
      try {
        return await fetchCard(id, { fresh: true });
      } catch (problem) {
        if (!(problem instanceof Unreachable) && problem.status < 500) return null;
      }
      await new Promise((resolve) => { window.setTimeout(resolve, 500); });
    }
    return null;
  }

  // Many at once

  #toggle(id) {
    const one = this.items.find((item) => item.approval_id === id);
    if (!one || !one.may_decide || one.status !== "pending") return;
    if (this.chosen.has(id)) this.chosen.delete(id);
    else if (this.chosen.size < MOST_AT_ONCE) this.chosen.add(id);
    this.#redraw(this.items.indexOf(one));
    this.#drawChoice();
  }

  #drawChoice() {
    const count = this.chosen.size;
    this.bar.hidden = count === 0;
    if (!count) return;
    replace(this.bar, h("strong", { role: "status" }, `${count} chosen`), button("Decide together", () => this.#together(), { kind: "primary" }), button("None", () => { this.chosen.clear(); this.list.setItems(this.items); this.#drawChoice(); }));
  }

  #together(ids = [...this.chosen]) {
    if (!ids.length) return announce("Choose some requests first, with x");
    this.card.hidden = true;
    this.batch.hidden = false;
    this.classList.add("reads");
    const close = () => {
      this.batch.hidden = true;
      this.card.hidden = false;
      this.#load();
    };
    return this.batch.open(ids, { titles: new Map(this.items.map((one) => [one.approval_id, one.title])), onleave: (left) => this.#together(left), ondone: () => this.#count(), onclose: close });
  }

  #help() {
    openDialog({ title: "Keys", body: describeKeys(HELP), actions: [{ label: "Close", value: null }] });
  }
}

customElements.define("cs-approvals", Approvals);
