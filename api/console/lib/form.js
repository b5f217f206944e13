// Forms from the JSON Schema of what something is started with.

import { get, Problem } from "./api.js";
import { h, newId } from "./dom.js";
import { blame } from "./fields.js";
import { inWords } from "./page.js";
import { isId } from "./names.js";

/** Fields for an object's properties. `read()` gives the values, or throws an Error after marking what is wrong. */
export class SchemaForm {
  constructor(schema) {
    this.required = new Set(schema.required ?? []);
    this.fields = Object.entries(schema.properties ?? {}).map(([name, part]) => new Field(name, part, this.required.has(name)));
    this.element = h("div", { class: "schema-form" }, this.fields.map((one) => one.element));
  }

  async read() {
    this.fields.forEach((one) => one.fault(""));
    const values = {};
    for (const field of this.fields) {
      const found = await field.read();
      if (found !== undefined) values[field.name] = found;
    }
    const wrong = this.fields.find((one) => one.isWrong);
    if (wrong) {
      wrong.focus();
      throw new Error("Look at the marked fields.");
    }
    return values;
  }

  /** Shows the service's objections beside their fields; says whether it found a field for one. */
  blame(problem, prefix) {
    return blame(this.fields, problem, prefix);
  }
}

/** One value by its JSON Schema. `isMarked`: whether it says that it may be left empty. `read()` gives undefined for an empty input; a fault is marked at the field. */
export class Field {
  constructor(name, given, isRequired, { title = inWords(name), isMarked = !isRequired } = {}) {
    const part = given.anyOf?.find((one) => one.type !== "null") ?? given;
    const id = newId("field");
    Object.assign(this, { name, part, isRequired, object: given["x-object"] ?? part["x-object"] ?? null });
    this.isNumber = part.type === "number" || part.type === "integer";
    const label = title.replace(/ id$/, "");
    const said = given.description ?? "";
    const isPlain = said.replace(/^(The|A|An) /, "").replace(/\.$/, "").toLowerCase() === label.toLowerCase();
    const about = [isPlain ? "" : said, this.object ? "Its name, number or id." : ""].filter(Boolean).join(" ");
    this.problem = h("p", { class: "fault small", id: `${id}-fault`, hidden: true });
    const common = { id, required: isRequired, "aria-describedby": `${id}-about ${id}-fault` };
    const start = given.default ?? null;
    if (part.type === "boolean") {
      this.input = h("input", { ...common, required: false, type: "checkbox" });
      this.input.checked = start === true;
    } else if (part.enum) {
      this.input = h("select", common, h("option", { value: "" }, isRequired ? "Choose…" : "—"), part.enum.map((one) => h("option", { value: one }, String(one))));
      if (start !== null) this.input.value = String(start);
    } else if (part.type === "string" && (part.maxLength > 300 || String(start).includes("\n"))) {
      this.input = h("textarea", { ...common, rows: "3", maxlength: part.maxLength });
      if (start !== null) this.input.value = String(start);
    } else {
      const type = this.isNumber ? "number" : part.format === "date" ? "date" : "text";
      this.input = h("input", { ...common, type, maxlength: this.object ? null : part.maxLength, min: part.minimum, max: part.maximum, step: this.isNumber ? part.multipleOf ?? (part.type === "integer" ? 1 : "any") : null, autocomplete: "off" });
      if (start !== null) this.input.value = String(start);
    }
    const words = [h("label", { for: id }, label, isMarked ? h("span", { class: "quiet-text optional" }, " optional") : null), h("p", { class: "quiet-text small", id: `${id}-about`, hidden: !about }, about)];
    this.element = part.type === "boolean"
      ? h("div", { class: "field check" }, this.input, h("div", {}, words, this.problem))
      : h("div", { class: "field" }, words, this.input, this.problem);
  }

  focus() {
    this.input.focus();
  }

  fault(words) {
    this.isWrong = words !== "";
    this.problem.hidden = !this.isWrong;
    this.problem.textContent = words;
    if (this.isWrong) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  async read() {
    if (this.part.type === "boolean") return this.input.checked;
    const text = this.input.value.trim();
    if (text === "") {
      if (this.isRequired) this.fault("This is needed.");
      return undefined;
    }
    if (!this.input.checkValidity()) {
      this.fault(this.input.validationMessage);
      return undefined;
    }
    if (this.isNumber) return Number(text);
    if (!this.object || isId(text)) return text;
    try {
      return (await get(`/records/${this.object}`, { name: text })).Id;
    } catch (error) {
      if (!(error instanceof Problem) || ![403, 404, 422].includes(error.status)) throw error;
      this.fault(`No ${this.object.toLowerCase()} of this name, or several.`);
      return undefined;
    }
  }
}
