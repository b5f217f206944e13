// A chart with its table and how it was computed.

import { h } from "../../lib/dom.js";
import { formatDay, formatNumber, formatValue } from "../../lib/format.js";
import { recordText } from "../../lib/text.js";

/** The figure of a step that has one, else null. */
export function drawFigure(threadId, step) {
  if (!step.computed && !step.has_chart) return null;
  const computed = step.computed;
  return h("figure", { class: "figure" },
    step.has_chart && drawChart(threadId, step),
    h("figcaption", { class: "unseen" }, recordText(step.summary ?? "Figures")),
    computed?.rows.length > 0 && h("details", { class: "figure-table" }, h("summary", {}, "Show the table"), drawTable(computed)),
    computed && h("details", {}, h("summary", {}, "How this was computed"), drawHow(computed)));
}

function drawChart(threadId, step) {
  const width = widthHere();
  const image = h("img", { class: "chart", alt: step.summary ?? "Chart; its table is below", loading: "lazy", width });
  const load = () => {
    image.src = `/threads/${threadId}/charts/${encodeURIComponent(step.call_id)}.svg?theme=${theme()}&width=${width}`;
  };
  load();
  const change = () => {
    if (image.isConnected) load();
    else document.removeEventListener("theme-changed", change);
  };
  document.addEventListener("theme-changed", change);
  return image;
}

/** In whole steps, so that a picture is drawn once for windows of about one width. Letters are as large as those around. */
function widthHere() {
  return Math.min(560, Math.max(240, Math.floor((document.documentElement.clientWidth - 64) / 40) * 40));
}

function theme() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ?? (window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function drawTable({ columns, rows }) {
  const isNumber = (key) => rows.every((row) => row[key] === null || typeof row[key] === "number");
  const kinds = columns.map(({ key }) => (isNumber(key) ? "align-right" : null));
  return h("div", { class: "table-scroll", tabindex: "0", role: "group", "aria-label": "Figures" },
    h("table", {},
      h("thead", {}, h("tr", {}, columns.map((column, at) => h("th", { scope: "col", class: kinds[at] }, column.title)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, columns.map(({ key }, at) => h("td", { class: kinds[at] }, typeof row[key] === "string" ? recordText(formatValue(row[key]), { limit: 120 }) : formatValue(row[key]))))))));
}

function drawHow({ how, records_counted: counted, left_out: leftOut }) {
  return h("div", { class: "how" },
    h("p", {}, recordText(how.replace(/\b(\d{4}-\d\d-\d\d)\b/g, (found) => formatDay(found)))),
    h("p", {}, `${formatNumber(counted)} records were counted.`),
    leftOut.length > 0 && h("ul", {}, leftOut.map((one) => h("li", {}, `${formatNumber(one.records)} left out: ${one.why}`))));
}
