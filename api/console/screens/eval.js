// How well models answered: kept reports of `countersign eval`, one by one and compared.

import { get } from "../lib/api.js";
import { button, h, newId, replace } from "../lib/dom.js";
import { formatDuration, formatInstant, formatNumber } from "../lib/format.js";
import { ago, facts, inWords, mark, pageHead, plural, Screen, table } from "../lib/page.js";
import { recordText } from "../lib/text.js";

class Evaluations extends Screen {
  static observedAttributes = ["report", "before", "after"];

  draw() {
    const report = this.getAttribute("report");
    const [before, after] = [this.getAttribute("before"), this.getAttribute("after")];
    const place = h("div", { class: "stack" });
    const isList = !report && !(before && after);
    replace(this, h("div", { class: "page" },
      pageHead(report === "compare" ? "Two runs compared" : report ? "One run" : "Eval", isList ? null : h("a", { class: "button", href: "#/eval" }, "All runs")),
      isList ? h("p", { class: "quiet-text" }, "How well models answered, in suites of cases on copies of the demo organisation.") : null, place));
    this.fill(place, (signal) => {
      if (report === "compare") return this.#compare(before, after, signal);
      return report ? this.#report(report, signal) : this.#list(signal);
    });
  }

  async #list(signal) {
    const reports = await get("/admin/evaluations", { limit: 50 }, { signal });
    if (!reports.length) return h("div", { class: "card" }, h("p", {}, "No report is kept yet. On the machine:"), h("pre", { tabindex: "0", "aria-label": "Command" }, h("code", {}, "countersign eval --store --folder <the service's data folder>")));
    const rows = reports.map((one) => [
      h("a", { href: `#/eval/${one.report_id}` }, formatInstant(one.at)), recordText(one.model, { limit: 80 }), verdict(one),
      h("span", {}, `${rate(one.passed, one.cases)} `, h("span", { class: "quiet-text small" }, `${formatNumber(one.passed)} of ${formatNumber(one.cases)}`)), faultsOf(one.faults)]);
    return [
      table({ label: "Runs", columns: ["When", "Model", "Thresholds", "Passed", "Errors"], rows }),
      reports.length > 1 ? this.#chooser(reports) : null,
    ];
  }

  #chooser(reports) {
    const ids = [newId("run"), newId("run")];
    const select = (id, place) => {
      const made = h("select", { id }, reports.map((one) => h("option", { value: one.report_id }, `${formatInstant(one.at)}, ${one.model}, ${rate(one.passed, one.cases)}`)));
      made.selectedIndex = place;
      return made;
    };
    const [before, after] = [select(ids[0], 1), select(ids[1], 0)];
    return h("form", { class: "card filters", "aria-label": "Compare two runs", onsubmit: (event) => {
      event.preventDefault();
      window.location.hash = `#/eval/compare?before=${before.value}&after=${after.value}`;
    } },
    h("div", { class: "field wide" }, h("label", { for: ids[0] }, "From"), before), h("div", { class: "field wide" }, h("label", { for: ids[1] }, "To"), after), button("Compare", null, { type: "submit", kind: "primary" }));
  }

  async #report(id, signal) {
    const one = await get(`/admin/evaluations/${encodeURIComponent(id)}`, null, { signal });
    const measures = Object.entries(one.measures).filter(([, found]) => found.of);
    return [
      h("section", { class: "card stack", "aria-label": "The run" },
        h("div", { class: "row" }, h("h2", {}, `${rate(one.passed, one.cases)} passed`), mark(one.is_green ? "thresholds met" : "thresholds missed", one.is_green ? "good" : "bad")),
        facts([["Model", recordText(one.model)], ["When", ago(one.at)], ["Cases", formatNumber(one.cases)], ["Took", formatDuration(one.seconds * 1000)], ["Prompts", one.prompts ? h("code", { class: "id" }, one.prompts) : "—"], ["Kept for", one.is_own ? "your organisation" : "everybody"]])),
      h("div", { class: "eval-columns" },
        h("section", { class: "stack", "aria-labelledby": "ev-suites" }, h("h2", { id: "ev-suites" }, "Suites"),
          table({ label: "Suites", columns: ["Suite", { name: "Passed", class: "cell-end" }, { name: "Cases", class: "cell-end" }], rows: one.suites.map((suite) => [inWords(suite.suite), rate(suite.passed, suite.cases), formatNumber(suite.cases)]) })),
        h("section", { class: "stack", "aria-labelledby": "ev-faults" }, h("h2", { id: "ev-faults" }, "Classes of error"), bars(one.faults, one.cases))),
      h("section", { class: "stack", "aria-labelledby": "ev-measures" }, h("h2", { id: "ev-measures" }, "Measures"),
        table({ label: "Measures", columns: ["Measure", { name: "Rate", class: "cell-end" }, { name: "Count", class: "cell-end" }], rows: measures.map(([name, found]) => [inWords(name), rate(found.hits, found.of), `${formatNumber(found.hits)} of ${formatNumber(found.of)}`]) })),
      h("section", { class: "stack", "aria-labelledby": "ev-failed" }, h("h2", { id: "ev-failed" }, "Cases that did not pass"),
        table({ label: "Cases that did not pass", columns: ["Case", "Said", "Found"], empty: "All passed.", rows: one.failed.map((found) => [
          recordText(`${found.suite}/${found.case}`, { limit: 120 }), recordText(found.says.join(" / "), { limit: 200 }),
          h("ul", { class: "plain small" }, found.findings.map((finding) => h("li", {}, mark(finding.fault, "bad"), " ", recordText(finding.text, { limit: 300 }))))]) })),
    ];
  }

  async #compare(before, after, signal) {
    const ids = { before, after };
    const [found, then, now] = await Promise.all([get("/admin/evaluations/compare", ids, { signal }), get(`/admin/evaluations/${before}`, null, { signal }), get(`/admin/evaluations/${after}`, null, { signal })]);
    const changes = (cases, empty) => table({ label: empty, columns: ["Case", "Said", "Before", "After"], empty, rows: cases.map((one) => [recordText(`${one.suite}/${one.case}`, { limit: 120 }), recordText(one.says.join(" / "), { limit: 200 }), one.before.join(", ") || "passed", one.after.join(", ") || "passed"]) });
    return [
      h("section", { class: "card stack", "aria-label": "The runs" },
        facts([["From", `${formatInstant(then.at)}, ${then.model}`], ["To", `${formatInstant(now.at)}, ${now.model}`], ["Passed", `${rate(found.passed.before, found.shared)} → ${rate(found.passed.after, found.shared)}`], ["Cases that both have", formatNumber(found.shared)], ["New, gone", `${found.added}, ${found.removed}`]]),
        found.differences.length ? h("ul", { class: "small" }, found.differences.map((one) => h("li", {}, recordText(one)))) : null),
      h("section", { class: "stack", "aria-labelledby": "ev-classes" }, h("h2", { id: "ev-classes" }, "Classes of error"),
        table({ label: "Classes of error", columns: ["Class", { name: "Before", class: "cell-end" }, { name: "After", class: "cell-end" }, { name: "Change", class: "cell-end" }], empty: "No errors in either.", rows: Object.entries(found.faults).map(([name, one]) => [name, formatNumber(one.before), formatNumber(one.after), signed(one.after - one.before)]) })),
      h("section", { class: "stack", "aria-labelledby": "ev-worse" }, h("h2", { id: "ev-worse" }, `Regressions: ${found.regressions.length}`), changes(found.regressions, "Nothing that passed before fails now.")),
      h("section", { class: "stack", "aria-labelledby": "ev-better" }, h("h2", { id: "ev-better" }, `Fixes: ${found.fixes.length}`), changes(found.fixes, "Nothing was fixed.")),
      found.otherwise.length ? h("section", { class: "stack", "aria-labelledby": "ev-other" }, h("h2", { id: "ev-other" }, `Failed otherwise: ${found.otherwise.length}`), changes(found.otherwise, "Nothing failed in another way.")) : null,
    ];
  }
}

function rate(hits, of) {
  return of ? `${((100 * hits) / of).toFixed(1)} %` : "—";
}

/** Whether every measure is within what was asked of it. */
function verdict(one) {
  return one.is_green ? mark("met", "good") : mark("missed", "bad");
}

function signed(number) {
  return number > 0 ? h("span", { class: "fault" }, `+${number}`) : number < 0 ? h("span", { class: "good-text" }, `−${-number}`) : "0";
}

function faultsOf(faults) {
  const found = Object.entries(faults);
  return found.length ? h("span", { class: "small" }, found.map(([name, count]) => `${name}: ${count}`).join(", ")) : h("span", { class: "quiet-text" }, "none");
}

function bars(faults, cases) {
  const found = Object.entries(faults).sort((a, b) => b[1] - a[1]);
  if (!found.length) return h("p", { class: "empty" }, "No errors.");
  return h("ul", { class: "plain bars" }, found.map(([name, count]) => h("li", {}, h("span", {}, `${inWords(name)}: ${plural(count, "case")}`), h("meter", { min: "0", max: Math.max(cases, 1), value: count, "aria-label": name }))));
}

customElements.define("cs-eval", Evaluations);
