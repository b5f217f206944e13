// Permission sets in words: what they let somebody do beyond records, and what a change of them gives and takes.

import { confirm } from "../../lib/dialog.js";
import { neutralise } from "../../lib/format.js";
import { inWords } from "../../lib/page.js";
import { session } from "../../lib/session.js";

/** Whether the caller may say who comes in and what they may do; the service asks again. */
export function managesUsers() {
  return session.me.permissions.includes("manage_users") && session.me.scopes.includes("users:manage");
}

/** Sets of staff; the customers' own is none of theirs. */
export function staffSets(sets) {
  return sets.filter((one) => one.name !== "customer");
}

/** Boxes for all sets of staff. `chosen`: names of those that are given now. */
export function setChoices(sets, chosen) {
  return staffSets(sets).map((one) => ({
    value: one.name,
    label: neutralise(one.label),
    hint: one.permissions.length ? `Beyond records: ${one.permissions.map(words).join(", ")}.` : "",
    isChosen: chosen.includes(one.name),
  }));
}

/** What these sets let somebody do beyond records, in words. */
export function gives(sets, names) {
  return [...new Set(sets.filter((one) => names.includes(one.name)).flatMap((one) => one.permissions))].sort().map(words);
}

function words(permission) {
  return inWords(permission).toLowerCase();
}

/** Asks before somebody's rights change, and says what they will be able to do and no longer. */
export function confirmRights(sets, { who, before, after, isOwn = false }) {
  const labels = Object.fromEntries(sets.map((one) => [one.name, neutralise(one.label)]));
  const named = (names) => names.map((name) => labels[name] ?? name).join(", ");
  const more = after.filter((name) => !before.includes(name));
  const less = before.filter((name) => !after.includes(name));
  const had = gives(sets, before);
  const has = gives(sets, after);
  const can = has.filter((one) => !had.includes(one));
  const cannot = had.filter((one) => !has.includes(one));
  const text = [
    isOwn ? "These are your own rights." : "",
    more.length ? `Given to ${who}: ${named(more)}.` : "",
    less.length ? `Taken from ${who}: ${named(less)}.` : "",
    can.length ? `New beyond records: ${can.join(", ")}.` : "",
    cannot.length ? `No longer: ${cannot.join(", ")}.` : "",
    "It counts at once, and the audit says that it was you.",
  ].filter(Boolean).join(" ");
  return confirm({ title: isOwn ? "Change your own rights" : "Change what somebody may do", text, label: "Change", danger: can.length > 0 || less.length > 0 || isOwn });
}
