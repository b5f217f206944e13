// Dialogs that keep the focus while they are open and give it back, and notices that come and go.

import { button, h, icon, newId } from "./dom.js";

/**
 * Shows a dialog and resolves with what was chosen: an action's `value`, or null when it was closed.
 * `actions`: [{ label, value, kind }]; `value` may be a function that is asked when the action is chosen, and
 * may throw an Error whose message is shown while the dialog stays open.
 */
export function openDialog({ title, body = [], actions = [], size = "" }) {
  const before = document.activeElement;
  const titleId = newId("dialog");
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  return new Promise((resolve) => {
    let chosen = null;
    const choose = async (action) => {
      fault.hidden = true;
      try {
        chosen = typeof action.value === "function" ? await action.value() : action.value;
        dialog.close();
      } catch (error) {
        fault.textContent = error.message;
        fault.hidden = false;
      }
    };
    const buttons = actions.map((action, place) =>
      h("button", { type: place === actions.length - 1 ? "submit" : "button", class: `button ${action.kind ?? ""}`, onclick: (event) => { event.preventDefault(); choose(action); } }, action.label),
    );
    const form = h("form", { onsubmit: (event) => { event.preventDefault(); if (actions.length) choose(actions.at(-1)); } },
      h("div", { class: "dialog-body" }, body), fault, buttons.length ? h("div", { class: "dialog-actions" }, buttons) : null);
    const dialog = h("dialog", { "aria-labelledby": titleId, class: size, onclose: () => {
      dialog.remove();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      resolve(chosen);
    } },
      h("div", { class: "dialog-head" }, h("h2", { id: titleId }, title), button("Close", () => dialog.close(), { drawing: "close", iconOnly: true, kind: "quiet" })),
      form);
    document.body.append(dialog);
    dialog.showModal();
    const first = dialog.querySelector("[autofocus], .dialog-body input, .dialog-body textarea, .dialog-body select") ?? buttons.at(-1);
    first?.focus();
  });
}

/** Asks for a yes. Resolves with true or false. */
export async function confirm({ title, text, label, danger = false }) {
  const actions = [{ label: "Cancel", value: false }, { label, value: true, kind: danger ? "danger" : "primary" }];
  return (await openDialog({ title, body: [h("p", {}, text)], actions })) === true;
}

/** A short notice at the edge. A fault stays until it is closed. */
export function notify(text, { kind = "", action = null } = {}) {
  const note = h("div", { class: `toast ${kind}`, role: kind === "fault" ? "alert" : "status" },
    h("span", {}, text),
    action && button(action.label, () => { note.remove(); action.run(); }, { kind: "link" }),
    h("button", { type: "button", class: "button quiet icon-only", "aria-label": "Close this notice", onclick: () => note.remove() }, icon("close")));
  document.getElementById("toasts").append(note);
  if (kind !== "fault") window.setTimeout(() => note.remove(), 6_000);
  return note;
}
