// Finding one of the organisation's people by name, for fields that want their id.

import { get } from "./api.js";
import { h, newId } from "./dom.js";
import { neutralise } from "./format.js";

const AT_ONCE = 20;

/** A search box and a list to choose from. `value` is the id of whoever is chosen, or null. */
export class PersonFinder {
  /** `first`: an entry before all others, with the value null. `but`: an id that is left out. */
  constructor({ name, label, first = null, chosen = null, but = null, hint = "" }) {
    const [searchId, listId] = [newId("search"), newId("people")];
    Object.assign(this, { name, first, chosen, but });
    this.list = h("select", { id: listId, size: "6", "aria-describedby": `${listId}-note ${listId}-fault` });
    this.note = h("p", { class: "small quiet-text", id: `${listId}-note`, role: "status" });
    this.problem = h("p", { class: "fault small", id: `${listId}-fault`, hidden: true });
    this.search = h("input", { id: searchId, type: "search", autocomplete: "off", placeholder: "Part of a name", oninput: () => this.#later() });
    this.element = h("div", { class: "field" },
      h("label", { for: searchId }, `Find: ${label.toLowerCase()}`), this.search,
      h("label", { for: listId }, label), h("p", { class: "small quiet-text", hidden: hint === "" }, hint), this.list, this.note, this.problem);
  }

  get value() {
    return this.list.value || null;
  }

  /** Looks for who fits what is typed; the answer to an earlier text is passed over. */
  async look() {
    const turn = Symbol("turn");
    this.turn = turn;
    const found = await get("/admin/people", { text: this.search.value.trim(), kind: "person", is_active: true, limit: AT_ONCE });
    if (this.turn !== turn) return;
    const kept = this.list.value || this.chosen?.id || "";
    const people = found.filter((one) => one.id !== this.but);
    const more = this.chosen && !people.some((one) => one.id === this.chosen.id) && !this.search.value.trim() ? [this.chosen] : [];
    this.list.replaceChildren(
      ...(this.first ? [h("option", { value: "" }, this.first)] : []),
      ...[...more, ...people].map((one) => h("option", { value: one.id }, neutralise(one.name))));
    this.list.value = kept;
    if (this.list.selectedIndex < 0 && this.first) this.list.value = "";
    this.note.textContent = people.length === 0 ? "Nobody active has such a name." : found.length === AT_ONCE ? "There are more: type a name." : "";
  }

  focus() {
    this.list.focus();
  }

  fault(words) {
    this.problem.hidden = words === "";
    this.problem.textContent = words;
  }

  objection() {
    return !this.first && !this.list.value ? "Choose somebody." : "";
  }

  #later() {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.look(), 200);
  }
}
