// Single keys as short ways. They can be switched off, and never count while somebody writes.

import { h } from "./dom.js";

const SETTING = "countersign.keys";

export function areKeysOn() {
  return window.localStorage.getItem(SETTING) !== "off";
}

/**
 * Calls `actions[key](event)` for single keys pressed outside of fields, dialogs and the record panel.
 * Gives a function that ends it. A key that is held down counts once.
 */
export function listenToKeys(actions) {
  const listen = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (target.closest("input, textarea, select, [contenteditable], dialog, #panel, .bar") || document.querySelector("dialog[open]")) return;
    const action = actions[event.key];
    if (!action || (!areKeysOn() && event.key !== "?")) return;
    event.preventDefault();
    action(event);
  };
  document.addEventListener("keydown", listen);
  return () => document.removeEventListener("keydown", listen);
}

/** What the help says: pairs of key and meaning, and a switch. */
export function describeKeys(pairs) {
  const toggle = h("input", { type: "checkbox", id: "keys-on", onchange: () => window.localStorage.setItem(SETTING, toggle.checked ? "on" : "off") });
  toggle.checked = areKeysOn();
  return [
    h("dl", { class: "keys" }, pairs.map(([keys, meaning]) => [h("dt", {}, keys.map((key) => h("kbd", {}, key))), h("dd", {}, meaning)])),
    h("div", { class: "row" }, toggle, h("label", { for: "keys-on" }, "Single keys work")),
  ];
}
