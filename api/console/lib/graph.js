// A workflow's graph as a drawing: steps one below the other, the ways that leave their order as arcs beside them.

import { s } from "./dom.js";

const SIZES = {
  wide: { box: 340, high: 52, gap: 26, lane: 20, first: 16, left: 4, letters: 34, label: 12 },
  narrow: { box: 222, high: 66, gap: 24, lane: 11, first: 10, left: 4, letters: 21, label: 8 },
};
const END = "finish";
const SKIPPED = new Set(["__start__", "__end__", "begin"]);

/**
 * Steps and ways as the service gives them, without the nodes in which people are waited for.
 * Gives { steps: [{ id, title, tool, isCheckpoint }], ways: [{ from, to, when }] }.
 */
export function readGraph({ nodes, edges }) {
  const waits = new Set(nodes.filter((one) => one.id.endsWith("_wait") && !one.data.title).map((one) => one.id));
  const known = nodes.filter((one) => !SKIPPED.has(one.id) && !waits.has(one.id));
  const steps = known.filter((one) => one.id !== END).map((one) => ({ id: one.id, title: one.data.title ?? one.id, tool: one.data.tool ?? null, isCheckpoint: one.data.is_checkpoint === true }));
  if (known.some((one) => one.id === END)) steps.push({ id: END, title: "The end", tool: null, isCheckpoint: false });
  const ids = new Set(steps.map((one) => one.id));
  const ways = edges.filter((one) => ids.has(one.source) && ids.has(one.target)).map((one) => ({ from: one.source, to: one.target, when: one.data ?? "" }));
  return { steps, ways };
}

/** The drawing. `states`: step -> done | waiting | running | rejected | failed | left out; `taken`: "from>to" of what was gone. */
export function drawGraph(graph, { label, states = {}, taken = new Set(), narrow = false }) {
  const size = narrow ? SIZES.narrow : SIZES.wide;
  const place = new Map(graph.steps.map((one, index) => [one.id, index]));
  const top = (id) => 6 + place.get(id) * (size.high + size.gap);
  const inOrder = graph.ways.filter((one) => place.get(one.to) === place.get(one.from) + 1);
  const others = graph.ways.filter((one) => !inOrder.includes(one) && (one.to !== END || taken.has(`${one.from}>${one.to}`)));
  const lanes = inLanes(others, place);
  const width = size.left + size.box + size.first + lanes.count * size.lane + (lanes.count ? size.label : 8);
  const height = 12 + graph.steps.length * (size.high + size.gap) - size.gap;
  return s("svg", { class: "graph", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label },
    inOrder.map((one) => straight(one, size, top, taken)),
    others.map((one) => arc(one, size, top, lanes.of.get(one), taken)),
    graph.steps.map((one) => box(one, size, top(one.id), states[one.id] ?? "", graph.ways)));
}

/** Ways that overlap get lanes of their own, short ones nearest to the steps. */
function inLanes(ways, place) {
  const of = new Map();
  const lanes = [];
  const span = (one) => [place.get(one.from), place.get(one.to)].sort((a, b) => a - b);
  for (const one of [...ways].sort((a, b) => span(a)[1] - span(a)[0] - (span(b)[1] - span(b)[0]))) {
    const [from, to] = span(one);
    let lane = lanes.findIndex((used) => used.every(([start, end]) => to <= start || from >= end));
    if (lane < 0) lane = lanes.push([]) - 1;
    lanes[lane].push([from, to]);
    of.set(one, lane);
  }
  return { of, count: lanes.length };
}

function straight(way, size, top, taken) {
  const x = size.left + size.box / 2;
  const from = top(way.from) + size.high;
  const to = top(way.to);
  return s("g", { class: taken.has(`${way.from}>${way.to}`) ? "way taken" : "way" },
    s("path", { d: `M${x} ${from}V${to - 5}` }), head(x, to, "down"),
    s("text", { x: x + 9, y: from + size.gap / 2 + 3 }, cut(way.when, size.letters - 5)));
}

function arc(way, size, top, lane, taken) {
  const edge = size.left + size.box;
  const x = edge + size.first + lane * size.lane;
  const isBack = top(way.to) <= top(way.from);
  const from = top(way.from) + size.high * (isBack ? 0.3 : 0.72);
  const to = top(way.to) + size.high * (isBack ? 0.72 : 0.3);
  const turn = Math.min(8, x - edge);
  const down = to > from ? 1 : -1;
  return s("g", { class: taken.has(`${way.from}>${way.to}`) ? "way taken" : "way" },
    s("path", { d: `M${edge} ${from}H${x - turn}q${turn} 0 ${turn} ${turn * down}V${to - turn * down}q0 ${turn * down} ${-turn} ${turn * down}H${edge + 6}` }),
    head(edge + 1, to, "left"), s("title", {}, way.when));
}

function head(x, y, towards) {
  return s("path", { class: "head", d: towards === "down" ? `M${x - 4} ${y - 7}L${x} ${y - 1}L${x + 4} ${y - 7}z` : `M${x + 7} ${y - 4}L${x + 1} ${y}L${x + 7} ${y + 4}z` });
}

function box(step, size, y, state, ways) {
  const ends = ways.find((one) => one.from === step.id && one.to === END);
  const under = [step.isCheckpoint ? "people decide" : null, ends && ends.when !== "done" ? `ends if ${ends.when}` : null].filter(Boolean).join(" · ");
  const names = inLines(step.title, size.letters);
  const lines = [...names.map((words) => ["name", words]), ...(under && names.length * 17 + 17 <= size.high ? [["under", cut(under, Math.floor(size.letters * 1.25))]] : [])];
  const first = y + size.high / 2 - ((lines.length - 1) * 17) / 2 + 5;
  return s("g", { class: `step ${state.replace(" ", "-")} ${step.isCheckpoint ? "checkpoint" : ""} ${step.tool ? "" : "choice"}` },
    s("title", {}, [step.title, under, state].filter(Boolean).join(": ")),
    s("rect", { x: size.left, y, width: size.box, height: size.high, rx: step.tool ? 9 : 22 }),
    lines.map(([kind, words], place) => s("text", { class: kind, x: size.left + 34, y: first + place * 17 }, words)),
    sign(state, step, size.left + 18, y + size.high / 2));
}

/** Words in two lines at most. */
function inLines(text, most) {
  if (text.length <= most) return [text];
  const space = text.lastIndexOf(" ", most);
  return space <= 0 ? [cut(text, most)] : [text.slice(0, space), cut(text.slice(space + 1), most)];
}

function sign(state, step, x, y) {
  const drawings = { done: `M${x - 5} ${y}l4 4 7-8`, rejected: `M${x - 4} ${y - 4}l8 8M${x + 4} ${y - 4}l-8 8`, failed: `M${x - 4} ${y - 4}l8 8M${x + 4} ${y - 4}l-8 8`, expired: `M${x - 4} ${y - 4}l8 8M${x + 4} ${y - 4}l-8 8` };
  if (drawings[state]) return s("path", { class: "sign", d: drawings[state] });
  return s("circle", { class: "sign", cx: x, cy: y, r: step.isCheckpoint ? 5.5 : 4 });
}

function cut(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
