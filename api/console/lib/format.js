// Values as people read them. All dates come as ISO texts and are shown in the reader's own zone and language.

const LANGUAGE = document.documentElement.lang || "en";
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}]|(?<!\p{Extended_Pictographic}\ufe0f?)\u200d|\u200d(?!\p{Extended_Pictographic})/gu;
const HIDDEN_RUN = new RegExp(`(?:${HIDDEN.source}){1,}`, "gu");

/** A record's text with what would hide or turn other text made visible: [U+202E], [12 hidden characters]. */
export function neutralise(text) {
  return String(text).replace(/\r\n?/g, "\n").replace(HIDDEN_RUN, (run) => {
    const found = [...run];
    const code = found[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    return found.length === 1 ? `[U+${code}]` : `[${found.length} hidden characters]`;
  });
}

const day = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeZone: "UTC" });
const instant = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(LANGUAGE, { timeStyle: "short" });
const ago = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" });

/** A day without time: 2026-11-02 is the same day everywhere. */
export function formatDay(iso) {
  const at = new Date(`${String(iso).slice(0, 10)}T00:00:00Z`);
  return Number.isNaN(at.getTime()) ? neutralise(iso) : day.format(at);
}

/** An instant, in the reader's zone. */
export function formatInstant(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? neutralise(iso) : instant.format(at);
}

/** The time of day of an instant. */
export function formatClock(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? neutralise(iso) : clock.format(at);
}

const STEPS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** "3 hours ago", "in 2 days", "now". */
export function formatAgo(iso, now = Date.now()) {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  if (Number.isNaN(seconds)) return neutralise(iso);
  for (const [unit, length] of STEPS) {
    if (Math.abs(seconds) >= length) return ago.format(Math.trunc(seconds / length), unit);
  }
  return ago.format(0, "second");
}

/** "0.2 s", "14 s", "3 min 5 s", "2 h 10 min". */
export function formatDuration(ms) {
  if (ms < 1_000) return `${(ms / 1000).toFixed(ms < 95 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

/** A number; what is large and has a fraction is an amount, which has two places. */
export function formatNumber(value, digits = 2) {
  const isAmount = !Number.isInteger(value) && Math.abs(value) >= 1_000;
  return new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: digits, minimumFractionDigits: isAmount ? digits : 0 }).format(value);
}

/** An amount; without a currency it is a number with two places at most. */
export function formatMoney(value, currency = null) {
  if (!currency) return formatNumber(value);
  return new Intl.NumberFormat(LANGUAGE, { style: "currency", currency, maximumFractionDigits: value % 1 ? 2 : 0 }).format(value);
}

/** With a capital letter, as a sentence or a title begins. */
export function capitalise(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What people call kinds of records and fields whose names say it in a program's way. */
const CALLED = new Map(Object.entries({
  EmailMessage: "E-mail", Knowledge__kav: "Article", OpportunityLineItem: "Opportunity Product", QuoteLineItem: "Quote Line",
  StageName: "Stage", ActivityDate: "Due Date", WhoId: "Contact or Lead", WhatId: "About", TextBody: "Text", HtmlBody: "Formatted Text",
  ToIds: "To", CcAddress: "Cc", BccAddress: "Bcc", NumberOfEmployees: "Employees",
}));

/** "StageName" -> "Stage"; "LeadSource" -> "Lead Source"; "AccountId" -> "Account". */
export function formatFieldName(name) {
  return CALLED.get(name) ?? neutralise(name)
    .replace(/__c$/, "")
    .replace(/(?<=\w)Ids?$/, "")
    .replace(/_/g, " ")
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2");
}

/** A request's title with its kind of record as people say it: "Create EmailMessage X" -> "Create E-mail: X". */
export function titleInWords(title) {
  return neutralise(title).replace(/(^|; )([A-Z][a-z]+ )([A-Z][A-Za-z_]*)( (?=\S))?/g, (_, start, verb, kind, rest) => start + verb + formatFieldName(kind) + (rest ? ": " : ""));
}

/** The service's sentence with the fields it names as people say them: "Opportunity.StageName" -> "Opportunity Stage Name". */
export function fieldsInWords(text) {
  const dotted = String(text).replace(/\b([A-Z][A-Za-z_]+)\.([A-Z][A-Za-z_]+)\b/g, (_, kind, field) => `${formatFieldName(kind)} ${formatFieldName(field)}`);
  const kinds = dotted.replace(/(needs a second person: )([^;]*)/, (_, said, parts) => said + parts.replace(/\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b/g, formatFieldName));
  return kinds.replace(/^(Written by somebody outside: )([A-Za-z_, ]+)\.$/, (_, said, fields) => `${said}${fields.split(", ").map(formatFieldName).join(", ")}.`);
}

/** The service's sentence with the permission it names as people say it: "the permission approve_writes" -> "the permission “approve writes”". */
export function rightsInWords(text) {
  return String(text).replace(/\bpermission '?([a-z]+(?:_[a-z]+)+)'?/, (_, name) => `permission “${name.replaceAll("_", " ")}”`);
}

/** Any value of a record as text: the reader's form for days, instants, numbers, yes and no. */
export function formatValue(value) {
  if (value === null || value === undefined || value === "") return "—";
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "object") return neutralise(JSON.stringify(value));
  if (/^\d{4}-\d\d-\d\d$/.test(value)) return formatDay(value);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value)) return formatInstant(value);
  return neutralise(value);
}
