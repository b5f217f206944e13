// The tenant's policy: limits, rules and pre-approvals, and what a change would have made of past requests.

import { get, post, put, remove } from "../../lib/api.js";
import { confirm, notify, openDialog } from "../../lib/dialog.js";
import { announce, button, h, newId, replace } from "../../lib/dom.js";
import { Figure } from "../../lib/figure.js";
import { fieldsInWords, formatDay, formatFieldName, formatNumber, rightsInWords } from "../../lib/format.js";
import { learnNames, person } from "../../lib/names.js";
import { ago, inWords, mark, plural, refusal, table } from "../../lib/page.js";
import { recordText } from "../../lib/text.js";

const LIMITS = [
  ["record_cap", "Most records of an action", "records", "No action touches more."],
  ["amount_limit", "Largest amount", "", "In your currency. Beyond it a second person decides."],
  ["change_limit_percent", "Largest change of an amount", "percent", "Beyond it a second person decides."],
];

export function draw(place, screen) {
  const again = () => screen.fill(place, (signal) => load(signal, screen, again));
  return again();
}

async function load(signal, screen, again) {
  const [policy, history, preapprovals] = await Promise.all(["/admin/policy", "/admin/policy/history?limit=20", "/admin/preapprovals"].map((path) => get(path, null, { signal })));
  await learnNames([...history.map((one) => one.author), ...preapprovals.map((one) => one.granted_by)], signal);
  const draft = new Draft(policy);
  const result = h("div", { class: "stack", "aria-live": "polite" });
  return [
    h("section", { class: "card stack", "aria-labelledby": "po-draft" },
      h("div", { class: "row" }, h("h2", { id: "po-draft" }, "The policy"), mark(policy.version ? `version ${policy.version}` : "as shipped")),
      draft.element,
      h("div", { class: "row" },
        button("See what would have been held", () => simulate(draft, result, screen), { kind: "primary", drawing: "search" }),
        button("Put in force…", () => putIn(draft, policy.version, again)))),
    result,
    h("section", { class: "stack", "aria-labelledby": "po-pre" }, h("h2", { id: "po-pre" }, "Approved in advance"),
      table({ label: "Approved in advance", columns: ["Action", "Fields", "Until", "Why", "By", ""], empty: "Nothing: every write waits for a person.", rows: preapprovals.map((one) => [
        [`${inWords(one.tool)}: ${formatFieldName(one.object)}`, one.is_live ? null : [" ", mark("over")]], one.fields.map(formatFieldName).join(", "), formatDay(one.until), recordText(one.reason), person(one.granted_by),
        button("Withdraw…", () => withdraw(one, policy.version, again), { "aria-label": `Withdraw ${one.tool} on ${one.object}` })]) })),
    h("section", { class: "stack", "aria-labelledby": "po-past" }, h("h2", { id: "po-past" }, "Versions"),
      table({ label: "Versions", columns: ["Version", "Note", "By", "When", ""], empty: "The policy is the one that comes with the service.", rows: history.map((one) => [
        String(one.version), recordText(one.note), person(one.author), ago(one.created_at),
        one.version === policy.version ? mark("in force", "good") : button("Bring it back…", () => bringBack(one.version, policy.version, again), { "aria-label": `Bring version ${one.version} back` })]) })),
    h("details", { class: "card" }, h("summary", {}, "Rules that come with the service"), Object.entries(policy.files).map(([name, text]) => [h("h3", {}, name), h("pre", { tabindex: "0", "aria-label": name }, h("code", {}, text))])),
  ];
}

/** The fields of a policy that is not put in yet. */
class Draft {
  constructor(policy) {
    const ids = Object.fromEntries(["recipient", "additions", "rules"].map((name) => [name, newId(name)]));
    this.limits = LIMITS.map(([name, label, unit, about]) => [name, new Figure({ name, label, unit, hint: about, value: policy.settings[name], isNeeded: true })]);
    this.recipient = h("select", { id: ids.recipient }, [["hold", "A second person decides"], ["deny", "It is not sent"]].map(([key, words]) => h("option", { value: key }, words)));
    this.recipient.value = policy.settings.recipient_rule;
    this.additions = h("textarea", { id: ids.additions, rows: "6", class: "code-text", spellcheck: "false", value: policy.additions });
    this.rules = h("textarea", { id: ids.rules, rows: "8", class: "code-text", spellcheck: "false", value: policy.rules.length ? JSON.stringify(policy.rules, null, 2) : "[]" });
    this.fault = h("p", { class: "fault", role: "alert", hidden: true });
    this.element = h("div", { class: "stack" },
      h("div", { class: "form-grid" },
        this.limits.map(([, limit]) => limit.element),
        h("div", { class: "field" }, h("label", { for: ids.recipient }, "Mail to who may not read what is in it"), this.recipient)),
      h("details", { open: policy.rules.length > 0 }, h("summary", {}, "Approval rules"), h("div", { class: "field" }, h("label", { for: ids.rules }, "Who decides what, as JSON"), this.rules)),
      h("details", { open: policy.additions !== "" }, h("summary", {}, "Rules of your own"), h("div", { class: "field" }, h("label", { for: ids.additions }, "Cedar, with forbid only"), this.additions)),
      this.fault);
  }

  /** Null, after saying what is wrong, if it is no policy at all. */
  read() {
    this.say("");
    let rules;
    try {
      rules = JSON.parse(this.rules.value || "[]");
    } catch (error) {
      this.say(`Approval rules: this is no JSON (${error.message}).`);
      return null;
    }
    const settings = { recipient_rule: this.recipient.value };
    for (const [name, limit] of this.limits) {
      limit.fault(limit.objection());
      if (limit.objection()) {
        limit.focus();
        return null;
      }
      settings[name] = limit.figure;
    }
    return { settings, rules, additions: this.additions.value };
  }

  say(words) {
    this.fault.textContent = words;
    this.fault.hidden = words === "";
  }
}

async function simulate(draft, place, screen) {
  const body = draft.read();
  if (body === null) return;
  replace(place, h("p", { class: "quiet-text" }, "Trying it on past requests…"));
  try {
    const found = await post("/admin/policy/simulate", { ...body, limit: 200 }, { signal: screen.signal });
    await learnNames(found.requests.map((one) => one.requester), screen.signal);
    replace(place, outcome(found));
    announce(`${found.changed} of ${found.looked_at} requests would come out otherwise`);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    replace(place);
    if (problem.status === 422) draft.say(problem.message);
    else replace(place, refusal(problem, () => simulate(draft, place, screen)));
  }
}

function outcome(found) {
  const skipped = Object.entries(found.skipped).map(([why, count]) => `${count} ${inWords(why).toLowerCase()}`).join(", ");
  const rows = [...found.requests].sort((a, b) => Number(b.is_changed) - Number(a.is_changed)).map((one) => [
    h("a", { href: `#/approvals/${one.approval_id}` }, `${inWords(one.tool)}: ${one.objects.map(formatFieldName).join(", ")}`), person(one.requester), judged(one.was),
    [judged(one.would), one.is_changed ? [" ", mark("changed", "warn")] : null], recordText(fieldsInWords(one.would.reason), { limit: 300 })]);
  return h("section", { class: "card stack", "aria-labelledby": "po-result" },
    h("h2", { id: "po-result" }, "What would have been held"),
    h("p", {}, h("strong", {}, `${formatNumber(found.changed)} of ${plural(found.looked_at, "past request")} would come out otherwise.`), skipped ? ` Left out: ${skipped}.` : ""),
    h("ul", { class: "totals" }, Object.entries(found.totals).map(([way, count]) => h("li", {}, mark(`${wayInWords(way)}: ${count}`)))),
    table({ label: "Past requests", columns: ["Request", "Of", "Was", "Would be", "Because"], rows, empty: "There are no past requests to try it on." }));
}

/** "held -> held" -> "held as before"; "held -> denied" -> "held, would be denied". */
function wayInWords(way) {
  const [was, would] = way.split(/\s*->\s*/);
  return was === would ? `${was} as before` : `${was}, would be ${would}`;
}

function judged(one) {
  if (one.outcome === "denied") return "denied";
  if (one.outcome === "preapproved") return "not held";
  const parts = ["held", one.second_person ? "second person" : null, one.votes > 1 ? `${one.votes} votes` : null, ...one.approvers.map(rightsInWords)];
  return parts.filter(Boolean).join(", ");
}

async function putIn(draft, version, again) {
  const body = draft.read();
  if (body === null) return;
  const id = newId("note");
  const note = h("input", { id, maxlength: "300" });
  const done = await openDialog({ title: "Put this policy in force", body: [
    h("p", {}, "It counts from the next run on, and again when a request that waits is carried out: what it forbids by then is refused."),
    h("div", { class: "field" }, h("label", { for: id }, "Note"), note),
  ], actions: [{ label: "Cancel", value: null }, { label: "Put in force", kind: "primary", value: () => put("/admin/policy", { ...body, based_on: version, note: note.value }) }] });
  if (done) {
    notify(`Version ${done.version} counts now.`);
    again();
  }
}

async function bringBack(version, current, again) {
  if (!await confirm({ title: `Bring version ${version} back`, text: "It becomes the newest version, with the pre-approvals that it had.", label: "Bring it back" })) return;
  await post("/admin/policy/rollback", { version, based_on: current, note: `version ${version} again` });
  again();
}

async function withdraw(one, version, again) {
  if (!await confirm({ title: "Withdraw it", text: `From the next run on, ${inWords(one.tool).toLowerCase()} on ${formatFieldName(one.object)} waits for a person again.`, label: "Withdraw", danger: true })) return;
  await remove(`/admin/preapprovals/${one.id}?based_on=${version}`);
  again();
}
