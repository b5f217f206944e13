// Workflows: which there are, starting one, and how one stands, with its graph and its next checkpoint.

import { get, post } from "../lib/api.js";
import { openDialog } from "../lib/dialog.js";
import { announce, button, h, replace } from "../lib/dom.js";
import { capitalise, formatAgo, formatFieldName, formatInstant } from "../lib/format.js";
import { SchemaForm } from "../lib/form.js";
import { drawGraph, readGraph } from "../lib/graph.js";
import { learnNames, nameOf, person, recordLink } from "../lib/names.js";
import { ago, facts, inWords, mark, pageHead, plural, Screen, table } from "../lib/page.js";
import { session } from "../lib/session.js";
import { verbOf } from "../lib/provenance.js";
import { recordText } from "../lib/text.js";

const STATES = { running: ["Running", "person"], waiting: ["Waiting for a person", "warn"], done: ["Done", "good"], stopped: ["Stopped", "bad"] };
const OUTCOMES = { done: "good", rejected: "bad", failed: "bad", expired: "warn", withdrawn: "warn" };
const ID_IN_TEXT = /\b[A-Za-z0-9]{18}\b/g;
const SOON_MS = 1_500;
const LATER_MS = 8_000;

class Workflows extends Screen {
  static observedAttributes = ["thread"];

  draw() {
    window.clearTimeout(this.timer);
    this.shown = "";
    const thread = this.getAttribute("thread");
    if (thread) this.#drawOne(thread);
    else this.#drawAll();
  }

  disconnectedCallback() {
    window.clearTimeout(this.timer);
    super.disconnectedCallback();
  }

  #drawAll() {
    const kinds = h("div", { class: "workflow-kinds" });
    const runs = h("div", {});
    replace(this, h("div", { class: "page" }, pageHead("Workflows"),
      h("p", { class: "quiet-text" }, "Work in several steps, over days. Whatever would change something waits for a person."),
      h("section", { class: "stack", "aria-labelledby": "wf-yours" }, h("h2", { id: "wf-yours" }, "Yours"), runs),
      h("section", { class: "stack", "aria-labelledby": "wf-start" }, h("h2", { id: "wf-start" }, "Start one"), kinds)));
    this.fill(kinds, async (signal) => {
      const found = await post("/assistants/search", { metadata: { kind: "workflow" }, limit: 100 }, { signal });
      this.fill(runs, (inner) => this.#runs(found, inner));
      return found.map((one) => h("article", { class: "card workflow-kind" },
        h("h3", {}, titleOf(one)), h("p", { class: "small quiet-text" }, one.description),
        h("div", { class: "row" }, button("Start…", () => this.#start(one), { kind: "primary", "aria-label": `Start ${titleOf(one)}` }))));
    });
  }

  async #runs(kinds, signal) {
    const lists = await Promise.all(kinds.map((one) => post("/threads/search", { metadata: { graph_id: one.graph_id }, limit: 20, sort_by: "updated_at", sort_order: "desc" }, { signal })));
    const threads = lists.flat().sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
    const begun = threads.map((one) => one.values?.messages?.[0]?.content ?? "");
    await learnNames(begun.flatMap((said) => said.match(ID_IN_TEXT) ?? []), signal);
    const rows = threads.map((one, place) => {
      const progress = one.values?.workflow;
      const [words, kind] = standing(one, progress);
      return [h("a", { href: `#/workflows/${one.thread_id}` }, progress?.title ?? inWords(one.metadata.graph_id)), recordText(begunWith(begun[place]) || "—", { limit: 120, opens: false }), mark(words, kind), progress?.step ? inWords(progress.step) : "—", ago(one.updated_at)];
    });
    return table({ label: "Your workflows", columns: ["Workflow", "Begun with", "State", "Step", "Last moved"], rows, empty: "You have started none yet." });
  }

  async #start(kind) {
    const { input_schema: schema } = await get(`/assistants/${kind.graph_id}/schemas`);
    const form = new SchemaForm(schema);
    const thread = await openDialog({ title: `Start ${titleOf(kind)}`, body: [h("p", { class: "quiet-text small" }, kind.description), form.element], actions: [
      { label: "Cancel", value: null },
      { label: "Start", kind: "primary", value: async () => {
        const input = await form.read();
        const made = await post("/threads");
        try {
          await post(`/threads/${made.thread_id}/runs`, { assistant_id: kind.graph_id, input });
        } catch (problem) {
          if (form.blame(problem, "input.")) throw new Error("Look at the marked fields.");
          throw problem;
        }
        return made.thread_id;
      } },
    ] });
    if (thread) window.location.hash = `#/workflows/${thread}`;
  }

  #drawOne(thread) {
    this.body = h("div", { class: "stack" });
    replace(this, h("div", { class: "page" }, this.body));
    this.#follow(thread);
  }

  async #follow(thread) {
    const isDrawn = await this.fill(this.body, async (signal) => {
      const found = await get(`/threads/${encodeURIComponent(thread)}`, null, { signal });
      this.busy = found.status === "busy" || !found.values?.workflow;
      const said = JSON.stringify([found.status, found.updated_at, found.values?.workflow]);
      if (said === this.shown) return [...this.body.childNodes];
      if (this.shown) announce(standing(found, found.values?.workflow)[0]);
      this.shown = said;
      return this.#standing(found, signal);
    });
    if (!isDrawn || !this.stopping) return;
    this.timer = window.setTimeout(() => (document.hidden ? this.#later(thread) : this.#follow(thread)), this.busy ? SOON_MS : LATER_MS);
  }

  #later(thread) {
    document.addEventListener("visibilitychange", () => this.stopping && this.getAttribute("thread") === thread && this.#follow(thread), { once: true, signal: this.signal });
  }

  async #standing(thread, signal) {
    const name = thread.metadata.graph_id ?? "";
    const progress = thread.values?.workflow;
    const waiting = Object.values(thread.interrupts).flat().flatMap((one) => one.value?.approvals ?? []);
    const [graph, ...cards] = await Promise.all([
      get(`/assistants/${encodeURIComponent(name)}/graph`, null, { signal }).then(readGraph),
      ...waiting.map((one) => this.#checkpoint(one.approval_id, signal)),
    ]);
    const log = progress?.log ?? [];
    const asked = thread.values?.messages?.[0]?.content;
    await learnNames([...log.flatMap((one) => [one.by, one.record].filter(Boolean)), ...(asked?.match(ID_IN_TEXT) ?? [])], signal);
    const [words, kind] = standing(thread, progress);
    const titles = Object.fromEntries(graph.steps.map((one) => [one.id, one.title]));
    return [
      pageHead(progress?.title ?? inWords(name), mark(words, kind), h("a", { class: "button", href: "#/workflows" }, "All workflows")),
      asked ? h("p", { class: "quiet-text" }, recordText(begunWith(asked), { limit: 300 })) : null,
      thread.error ? h("p", { class: "notice" }, recordText(thread.error)) : null,
      progress?.because ? h("p", { class: "notice" }, recordText(progress.because)) : null,
      cards,
      h("div", { class: "workflow-columns" },
        h("section", { class: "card", "aria-labelledby": "wf-graph" }, h("h2", { id: "wf-graph" }, "Where it is"), this.#drawing(graph, progress, thread)),
        h("section", { class: "card stack", "aria-labelledby": "wf-log" }, h("h2", { id: "wf-log" }, "What happened"),
          log.length ? h("ol", { class: "history" }, log.map((one) => historyOf(one, titles))) : h("p", { class: "quiet-text" }, "Nothing yet."),
          lastWords(thread))),
    ];
  }

  #drawing(graph, progress, thread) {
    const states = {};
    const taken = new Set();
    const gone = [];
    for (const one of progress?.log ?? []) {
      states[one.step] = one.outcome in OUTCOMES || one.outcome === "left out" ? one.outcome : "done";
      if (gone.at(-1) !== one.step) gone.push(one.step);
    }
    const now = progress?.step ?? (progress && progress.status !== "running" ? "finish" : null);
    if (now) gone.push(now);
    gone.slice(1).forEach((to, place) => taken.add(`${gone[place]}>${to}`));
    if (progress?.step) states[progress.step] = progress.status === "waiting" && thread.status !== "busy" ? "waiting" : "running";
    else if (now) states.finish = progress.status === "done" ? "done" : "failed";
    const at = graph.steps.find((one) => one.id === progress?.step)?.title;
    const label = `Graph of ${plural(graph.steps.length - 1, "step")}${at ? `; now at: ${at}` : ""}`;
    return h("div", { class: "graph-frame" }, drawGraph(graph, { label, states, taken, narrow: this.clientWidth < 560 }));
  }

  async #checkpoint(approval, signal) {
    const card = await get(`/approvals/${approval}`, null, { signal });
    const candidates = await get(`/approvals/${approval}/candidates`, null, { signal }).catch((problem) => {
      if (problem.name === "AbortError") throw problem;
      return { people: [], is_cut: false };
    });
    const mayDecide = card.ways.includes("approve");
    const names = candidates.people.map((one) => one.name);
    return h("section", { class: "card checkpoint-card", "aria-label": "Next checkpoint" },
      h("div", { class: "entry-head" }, h("h2", {}, "Next checkpoint"), mark(`${card.votes.filter((one) => one.decision === "approve").length} of ${card.asked.votes} agreed`)),
      h("p", {}, recordText(changesInWords(card.card.changes), { limit: 300 })),
      facts([
        ["Who may decide", names.length ? recordText(names.join(", ") + (candidates.is_cut ? " and others" : ""), { limit: 300 }) : "Nobody at the moment: ask an administrator"],
        ["Yourself", mayDecide ? "Yes" : card.asked.second_person && card.requester === session.me.id ? "No, it needs a second person" : "No"],
        ["Runs out", `${formatAgo(card.expires_at)} (${formatInstant(card.expires_at)})`],
      ]),
      h("div", { class: "row" }, h("a", { class: `button ${mayDecide ? "primary" : ""}`, href: `#/approvals/${approval}` }, mayDecide ? "Look at it and decide" : "Look at the request")));
  }
}

/** What a request would do, records of one kind counted: "Create Quote X; Create 4 × Quote Line Item". */
function changesInWords(changes) {
  const kinds = Object.values(Object.groupBy(changes, (one) => `${verbOf(one.operation)} ${one.object}`));
  return kinds.map((alike) => {
    const { operation, object, name } = alike[0];
    const rest = alike.length > 1 ? `${alike.length} × ${formatFieldName(object)}` : `${formatFieldName(object)} ${name === object ? "" : name}`;
    return `${verbOf(operation)} ${rest}`.trim();
  }).join("; ");
}

/** What a workflow was begun with, from its first message: "Opportunity: Acme renewal; discount: 0". */
function begunWith(said) {
  const given = said.replace(/^Start the workflow '[^'\n]*'(?: with )?/, "").replace(/\.$/, "");
  const words = given.replace(/(^|; )([a-z][a-z ]*?) id: /g, "$1$2: ").replace(/: (\d+)\.0(?=;|$)/g, ": $1").replace(ID_IN_TEXT, (id) => nameOf(id) ?? id);
  return capitalise(words);
}

function titleOf(assistant) {
  return assistant.metadata.title || inWords(assistant.name);
}

function standing(thread, progress) {
  if (thread.status === "error") return ["Failed", "bad"];
  if (thread.status === "busy") return STATES.running;
  return STATES[progress?.status] ?? ["Not begun", ""];
}

function historyOf(entry, titles) {
  const isChoice = entry.call === null && !(entry.outcome in OUTCOMES);
  return h("li", {},
    h("div", { class: "row" }, h("strong", {}, titles[entry.step] ?? inWords(entry.step)), isChoice ? h("span", { class: "quiet-text" }, entry.outcome) : mark(entry.outcome, OUTCOMES[entry.outcome] ?? ""),
      entry.by ? h("span", { class: "small quiet-text" }, "by ", person(entry.by)) : null,
      entry.record ? h("span", { class: "small" }, recordLink(entry.record)) : null),
    entry.reason ? h("p", { class: "small" }, recordText(entry.reason, { limit: 300 })) : null);
}

function lastWords(thread) {
  const progress = thread.values?.workflow;
  if (!progress || !["done", "stopped"].includes(progress.status)) return null;
  const last = thread.values.messages?.findLast((one) => one.type === "ai");
  return last?.content ? h("p", { class: "last-words" }, recordText(last.content, { limit: 1_000 })) : null;
}

customElements.define("cs-workflows", Workflows);
