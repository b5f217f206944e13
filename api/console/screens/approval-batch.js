// Many plain requests on one card: one word for all, except for those with a veto.

import { post } from "../lib/api.js";
import { announce, button, h, newId, replace } from "../lib/dom.js";
import { formatFieldName, neutralise } from "../lib/format.js";
import { drawMessage } from "../lib/leaving.js";
import { toolName } from "../lib/provenance.js";
import { recordText } from "../lib/text.js";
import { drawChange, statusMark } from "./approval-card.js";

class ApprovalBatch extends HTMLElement {
  /** `titles`: what the list calls each; `onleave(ids)`: look at fewer; `ondone(results)`; `onclose()`. */
  async open(ids, { titles, onleave, ondone, onclose }) {
    Object.assign(this, { ids, titles, onleave, ondone, onclose });
    replace(this, h("p", { class: "empty", "aria-busy": "true" }, "Putting them on one card…"));
    try {
      this.batch = await post("/approvals/batch/preview", { approval_ids: ids });
      this.#draw();
    } catch (problem) {
      this.#drawMisfits(problem);
    }
    this.querySelector("h2")?.focus();
  }

  #drawMisfits(problem) {
    const misfits = problem.errors.filter((one) => one.field.startsWith("approval_ids.")).map((one) => ({ id: one.field.slice(13), why: one.message }));
    const left = this.ids.filter((id) => !misfits.some((one) => one.id === id));
    replace(this, h("article", { class: "approval" },
      h("h2", { tabindex: "-1" }, "These cannot be decided together"),
      misfits.length
        ? h("ul", { class: "misfits" }, misfits.map((one) => h("li", {}, recordText(this.titles.get(one.id) ?? one.id, { limit: 120 }), h("br"), h("span", { class: "fault" }, recordText(one.why)))))
        : h("p", { class: "fault", role: "alert" }, problem.message),
      h("div", { class: "row" },
        misfits.length && left.length ? button(left.length === 1 ? "Go on with the other one" : `Go on with the other ${left.length}`, () => this.onleave(left), { kind: "primary" }) : null,
        button("Back to one by one", () => this.onclose()))));
  }

  #draw() {
    const { batch } = this;
    this.vetoes = new Map();
    this.fault = h("p", { class: "fault", role: "alert", hidden: true });
    this.count = h("strong", { role: "status" });
    const reasonId = newId("reason");
    this.reason = h("input", { id: reasonId, type: "text", maxlength: "2000" });
    replace(this,
      h("article", { class: "approval", "aria-labelledby": "batch-title" },
        h("h2", { id: "batch-title", tabindex: "-1" }, `${batch.items.length} ${batch.items.length === 1 ? "request" : "requests"} decided together`),
        h("p", { class: "quiet-text" }, `${toolName(batch.tool)}: ${formatFieldName(batch.object)}. Why they wait: `, recordText(batch.rule.reason)),
        h("ol", { class: "batch" }, batch.items.map((item) => this.#drawItem(item)))),
      h("footer", { class: "decide" },
        h("div", { class: "field" }, h("label", { for: reasonId }, "Reason (needed to reject all)"), this.reason),
        this.fault,
        h("div", { class: "row" }, this.count, button("Approve these", () => this.#send("approve"), { kind: "primary" }), button("Reject all", () => this.#send("reject"), { kind: "danger" }), button("Back", () => this.onclose()))));
    this.#say();
  }

  #drawItem(item) {
    const id = newId("veto");
    const reason = h("input", { id: `${id}-why`, type: "text", maxlength: "2000", hidden: true, "aria-label": "Why this one is rejected", placeholder: "Why this one is rejected" });
    const box = h("input", { id, type: "checkbox", onchange: () => {
      reason.hidden = !box.checked;
      if (box.checked) {
        this.vetoes.set(item.approval_id, reason);
        reason.focus();
      } else this.vetoes.delete(item.approval_id);
      this.#say();
    } });
    return h("li", { "data-id": item.approval_id },
      item.changes.map((change) => drawChange(change, this.batch.names)),
      item.message ? drawMessage(item.message) : null,
      item.warnings.map((one) => h("p", { class: "notice" }, recordText(one))),
      h("div", { class: "row veto" }, box, h("label", { for: id }, "Not this one"), reason));
  }

  #say() {
    const all = this.batch.items.length;
    this.count.textContent = this.vetoes.size ? `${all - this.vetoes.size} of ${all} chosen, ${this.vetoes.size} rejected` : `All ${all} chosen`;
  }

  async #send(decision) {
    const veto = [...this.vetoes].map(([approval_id, reason]) => ({ approval_id, reason: reason.value.trim() }));
    const reason = this.reason.value.trim();
    if (veto.some((one) => !one.reason)) return this.#complain("Say of each that is left out why.");
    if (decision === "reject" && !reason) return this.#complain("Say why all are rejected.");
    for (const one of this.querySelectorAll(".decide button")) one.disabled = true;
    try {
      const told = await post("/approvals/batch/decision", { approval_ids: this.ids, digest: this.batch.digest, decision, reason: reason || null, veto });
      this.#drawResults(told.items);
      this.ondone(told.items);
    } catch (problem) {
      for (const one of this.querySelectorAll(".decide button")) one.disabled = false;
      this.#complain(problem.kind === "digest-mismatch" ? "Something changed since this card was made: go back and look again." : problem.message);
    }
    return undefined;
  }

  #complain(words) {
    this.fault.textContent = words;
    this.fault.hidden = false;
  }

  #drawResults(items) {
    const words = { decided: "Decided", vetoed: "Rejected by you", not_decided: "Not decided" };
    const done = items.filter((one) => one.outcome !== "not_decided").length;
    announce(`${done} of ${items.length} decided`);
    replace(this, h("article", { class: "approval" },
      h("h2", { tabindex: "-1" }, `${done} of ${items.length} decided`),
      h("ul", { class: "misfits" }, items.map((one) => h("li", {}, h("a", { href: `#/approvals/${one.approval_id}?view=all` }, h("bdi", {}, neutralise(this.titles.get(one.approval_id) ?? formatFieldName(one.approval_id)))), " ", h("span", {}, words[one.outcome]), " ", statusMark(one.status), one.problem ? h("p", { class: "fault" }, recordText(one.problem)) : null))),
      h("div", { class: "row" }, button("Back to the list", () => this.onclose()))));
    this.querySelector("h2").focus();
  }
}

customElements.define("cs-approval-batch", ApprovalBatch);
