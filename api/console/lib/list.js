// A list of thousands of rows of which only those in sight are in the page.

import { h } from "./dom.js";

const SPARE = 6;

/**
 * Rows of one height. `draw(item, place)` gives a row's content; `key(item)` tells rows apart.
 * Arrow keys, Home, End and Page keys move the focus; Enter or a click calls `onopen(item, place)`.
 */
export class VirtualList {
  constructor({ label, rowHeight, draw, key, onopen = null, onfocus = null }) {
    Object.assign(this, { rowHeight, draw, key, onopen, onfocus });
    this.items = [];
    this.at = 0;
    this.rows = new Map();
    this.space = h("ul", { class: "list-space", "aria-label": label });
    this.element = h("div", { class: "virtual-list", onscroll: () => this.#plan() }, this.space);
    this.space.addEventListener("keydown", (event) => this.#press(event));
    this.space.addEventListener("click", (event) => this.#click(event));
    this.space.addEventListener("focusin", (event) => this.#noticeFocus(event));
    new ResizeObserver(() => this.#plan()).observe(this.element);
  }

  /** Shows these items. What was focused stays so if it is still among them. */
  setItems(items) {
    const focused = this.items[this.at];
    const hadFocus = this.space.contains(document.activeElement);
    const place = focused === undefined ? -1 : items.findIndex((one) => this.key(one) === this.key(focused));
    this.items = items;
    this.at = place >= 0 ? place : Math.max(0, Math.min(this.at, items.length - 1));
    this.space.style.height = `${items.length * this.rowHeight}px`;
    for (const row of this.rows.values()) row.remove();
    this.rows.clear();
    this.#render();
    if (hadFocus && items.length) this.keep(() => this.focus(this.at));
  }

  /** Gives focus back to where it was, which is nobody's move to another row. */
  keep(work) {
    this.isKept = true;
    work();
    this.isKept = false;
  }

  /** Draws one item's row anew. */
  refresh(place) {
    this.rows.get(place)?.remove();
    this.rows.delete(place);
    this.#render();
  }

  /** Moves the focus to a row, which comes into sight. */
  focus(place) {
    if (!this.items.length) return;
    this.at = Math.max(0, Math.min(place, this.items.length - 1));
    const top = this.at * this.rowHeight;
    const box = this.element;
    if (top < box.scrollTop) box.scrollTop = top;
    if (top + this.rowHeight > box.scrollTop + box.clientHeight) box.scrollTop = top + this.rowHeight - box.clientHeight;
    this.#render();
    this.rows.get(this.at)?.focus({ preventScroll: true });
  }

  #plan() {
    if (this.planned) return;
    this.planned = true;
    window.requestAnimationFrame(() => {
      this.planned = false;
      this.#render();
    });
  }

  #render() {
    const box = this.element;
    const first = Math.max(0, Math.floor(box.scrollTop / this.rowHeight) - SPARE);
    const last = Math.min(this.items.length - 1, Math.ceil((box.scrollTop + (box.clientHeight || 600)) / this.rowHeight) + SPARE);
    const focused = this.space.contains(document.activeElement) ? this.at : -1;
    for (const [place, row] of this.rows) {
      if ((place < first || place > last) && place !== focused) {
        row.remove();
        this.rows.delete(place);
      }
    }
    for (let place = first; place <= last; place += 1) {
      if (!this.rows.has(place)) this.#add(place);
    }
    for (const [place, row] of this.rows) row.tabIndex = place === this.at ? 0 : -1;
  }

  #add(place) {
    const row = h("li", { class: "list-row", tabindex: "-1", "aria-setsize": this.items.length, "aria-posinset": place + 1 }, this.draw(this.items[place], place));
    row.dataset.place = String(place);
    row.style.height = `${this.rowHeight}px`;
    row.style.transform = `translateY(${place * this.rowHeight}px)`;
    this.rows.set(place, row);
    const after = [...this.space.children].find((other) => Number(other.dataset.place) > place);
    this.space.insertBefore(row, after ?? null);
  }

  #press(event) {
    if (event.target.closest(".list-row") !== event.target) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.rowHeight) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.items.length, End: this.items.length };
    if (event.key in moves) {
      event.preventDefault();
      this.focus(this.at + moves[event.key]);
    } else if (event.key === "Enter" && this.onopen) {
      event.preventDefault();
      this.onopen(this.items[this.at], this.at);
    }
  }

  #click(event) {
    const row = event.target.closest(".list-row");
    if (!row || !this.onopen || event.target.closest("button, a, input, select, textarea, label")) return;
    this.at = Number(row.dataset.place);
    this.onopen(this.items[this.at], this.at);
  }

  #noticeFocus(event) {
    const row = event.target.closest(".list-row");
    if (!row) return;
    this.at = Number(row.dataset.place);
    for (const [place, other] of this.rows) other.tabIndex = place === this.at ? 0 : -1;
    if (!this.isKept) this.onfocus?.(this.items[this.at], this.at);
  }
}
