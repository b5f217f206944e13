// Where one person is signed in, and ending it.

import { get, remove } from "../../lib/api.js";
import { confirm, notify } from "../../lib/dialog.js";
import { button, h } from "../../lib/dom.js";
import { formatInstant, neutralise } from "../../lib/format.js";
import { ago, mark, plural, table } from "../../lib/page.js";
import { recordText } from "../../lib/text.js";

export function drawSessions(person, screen) {
  const place = h("div", { class: "stack" });
  const again = () => screen.fill(place, (signal) => load(person, signal, again));
  again();
  return h("section", { class: "stack", "aria-labelledby": "pr-sessions" }, h("h2", { id: "pr-sessions" }, "Signed in"), place);
}

async function load(person, signal, again) {
  const found = await get(`/admin/people/${person.id}/sessions`, null, { signal });
  if (!found.length) return h("p", { class: "card notice-calm" }, "Not signed in with any browser.");
  return [
    table({ label: "Sessions", columns: ["Browser", "By", "Since", "Last seen", "Ends at the latest", ""], rows: found.map((one) => [
      [recordText(one.browser || "unknown", { limit: 120 }), one.is_current ? [" ", mark("this one")] : null],
      neutralise(one.provider), formatInstant(one.created_at), ago(one.seen_at), formatInstant(one.expires_at),
      button("End…", () => end(person, one, again), { "aria-label": `End the session of ${formatInstant(one.created_at)}` })]) }),
    h("div", { class: "row" }, button("Sign out everywhere…", () => endAll(person, found, again), { kind: "danger" })),
  ];
}

async function end(person, one, again) {
  const text = one.is_current ? "This is the browser that you are using: you will be signed out." : "The browser is signed out from its next request on. The person may sign in again.";
  if (!await confirm({ title: "End this session", text, label: "End it", danger: true })) return;
  await attempt(() => remove(`/admin/people/${person.id}/sessions/${one.session_id}`), again);
}

async function endAll(person, found, again) {
  const kept = found.some((one) => one.is_current) ? " The browser that you are using stays signed in." : "";
  const text = `${neutralise(person.name)} is signed out of all browsers from their next request on.${kept} They may sign in again; who must not is deactivated.`;
  if (!await confirm({ title: "Sign out everywhere", text, label: "Sign out", danger: true })) return;
  await attempt(() => remove(`/admin/people/${person.id}/sessions`), again);
}

async function attempt(work, again) {
  try {
    const { ended } = await work();
    notify(`${plural(ended, "session")} ended.`);
    again();
  } catch (problem) {
    notify(problem.message, { kind: "fault" });
  }
}
