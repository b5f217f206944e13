// Fields for whole numbers, read and written with their thousands apart and with what they count.

import { h } from "./dom.js";
import { Field } from "./fields.js";
import { formatNumber } from "./format.js";

const SEPARATORS = /[\s,.'’_]/g;

export class Figure extends Field {
  /** `value`: a number or null. `unit`: what it counts. `isNeeded`: whether it may not be left empty. */
  constructor({ name, label, value, unit = "", hint = "", isNeeded = false, placeholder = "" }) {
    const input = h("input", { type: "text", inputmode: "numeric", autocomplete: "off", class: "figure-text", placeholder, required: isNeeded, value: value === null ? "" : formatNumber(value), onblur: () => {
      if (!this.objection() && this.figure !== null) input.value = formatNumber(this.figure);
    } });
    super({ name, label, input, hint });
    if (!unit) return;
    const words = h("span", { class: "quiet-text small", id: `${input.id}-unit` }, unit);
    const place = h("div", { class: "figure-place" });
    input.replaceWith(place);
    place.append(input, words);
    input.setAttribute("aria-describedby", `${words.id} ${input.getAttribute("aria-describedby")}`);
  }

  /** The number; null of nothing, NaN of what is no whole number. */
  get figure() {
    const digits = this.input.value.replace(SEPARATORS, "");
    if (digits === "") return null;
    return /^\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN;
  }

  objection() {
    if (this.figure === null) return this.input.required ? "This is needed." : "";
    return Number.isNaN(this.figure) ? `Expected a whole number of 0 or more, such as 50,000${this.input.required ? "" : ", or nothing"}.` : "";
  }
}
