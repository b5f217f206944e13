// Fields of forms: an input with its label, what to know about it, and what is wrong with it, said beside it.

import { Problem } from "./api.js";
import { h, newId } from "./dom.js";

export class Field {
  /** `name`: what the service calls it. `input`: an element with a value, without id; several boxes go into a Boxes. */
  constructor({ name, label, input, hint = "", isOptional = false }) {
    const id = newId("field");
    Object.assign(this, { name, input });
    input.id = id;
    input.setAttribute("aria-describedby", `${id}-about ${id}-fault`);
    this.problem = h("p", { class: "fault small", id: `${id}-fault`, hidden: true });
    this.element = h("div", { class: "field" },
      h("label", { for: id }, label, isOptional ? h("span", { class: "quiet-text optional" }, " optional") : null),
      h("p", { class: "quiet-text small", id: `${id}-about`, hidden: hint === "" }, hint), input, this.problem);
  }

  get value() {
    return this.input.value.trim();
  }

  focus() {
    this.input.focus();
  }

  /** Says what is wrong with it; nothing with an empty text. */
  fault(words) {
    this.problem.hidden = words === "";
    this.problem.textContent = words;
    if (words) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  /** What the browser finds wrong with it. */
  objection() {
    if (this.input.checkValidity()) return "";
    return this.input.validity.valueMissing ? "This is needed." : this.input.validationMessage;
  }
}

/** Boxes of which any may be chosen. `choices`: [{ value, label, hint, isChosen, isFixed }]. */
export class Boxes {
  constructor({ name, label, choices, hint = "", atLeast = 0 }) {
    const id = newId("boxes");
    Object.assign(this, { name, atLeast });
    this.problem = h("p", { class: "fault small", id: `${id}-fault`, hidden: true });
    this.boxes = choices.map((one) => {
      const box = h("input", { type: "checkbox", id: newId("box"), value: one.value, disabled: one.isFixed, "aria-describedby": `${id}-fault` });
      box.checked = Boolean(one.isChosen);
      return [box, one];
    });
    this.element = h("fieldset", { class: "boxes" }, h("legend", {}, label), hint ? h("p", { class: "quiet-text small" }, hint) : null,
      this.boxes.map(([box, one]) => h("div", { class: "field check" }, box,
        h("div", {}, h("label", { for: box.id }, one.label), one.hint ? h("p", { class: "quiet-text small" }, one.hint) : null))), this.problem);
  }

  get value() {
    return this.boxes.filter(([box]) => box.checked).map(([box]) => box.value);
  }

  focus() {
    this.boxes[0]?.[0].focus();
  }

  fault(words) {
    this.problem.hidden = words === "";
    this.problem.textContent = words;
  }

  objection() {
    return this.value.length < this.atLeast ? "Choose at least one." : "";
  }
}

/** Shows the service's objections beside their fields; says whether it found a field for one. */
export function blame(fields, problem, prefix = "") {
  let first = null;
  for (const error of problem.errors ?? []) {
    const field = fields.find((one) => error.field === `${prefix}${one.name}` || error.field.startsWith(`${prefix}${one.name}.`));
    if (!field) continue;
    field.fault(error.message);
    first ??= field;
  }
  first?.focus();
  return first !== null;
}

/** Does `work()` once no field objects. What the service objects to stands beside its field. Raises: Error, Problem. */
export async function submit(fields, work) {
  fields.forEach((one) => one.fault(one.objection()));
  const wrong = fields.find((one) => !one.problem.hidden);
  if (wrong) {
    wrong.focus();
    throw new Error("Look at the marked fields.");
  }
  try {
    return await work();
  } catch (problem) {
    if (problem instanceof Problem && blame(fields, problem)) throw new Error("Look at the marked fields.");
    throw problem;
  }
}
