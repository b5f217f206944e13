// The server's tree of what may be shown, as DOM nodes: one kind of node becomes one kind of element, nothing else does.

import { h } from "./dom.js";
import { neutralise } from "./format.js";

const DEEPEST = 40;
const ALIGNS = new Set(["left", "right", "center"]);

/**
 * DOM nodes for a list of the tree's nodes. Kinds that this does not know show the text in them.
 * `draw`: by kind, a function of node and children that draws what is the screen's own, such as citations.
 */
export function drawTree(nodes, draw = {}, depth = 0) {
  if (!Array.isArray(nodes) || depth > DEEPEST) return [];
  return nodes.map((node) => drawNode(node, draw, depth)).filter(Boolean);
}

/** Puts a changed tree in place: the first `keep` nodes stay as they are, with what is selected or focused in them. */
export function updateTree(element, keep, nodes) {
  while (element.childNodes.length > keep) element.lastChild.remove();
  element.append(...drawTree(nodes));
}

function drawNode(node, draw, depth) {
  const inner = () => drawTree(node.children, draw, depth + 1);
  if (Object.hasOwn(draw, node?.type)) return draw[node.type](node, inner());
  switch (node?.type) {
    case "paragraph":
      return h("p", {}, inner());
    case "heading":
      return h(`h${Math.min(6, Math.max(2, 1 + Number(node.level) || 2))}`, {}, inner());
    case "list":
      return node.ordered ? h("ol", { start: Number(node.start) || 1 }, inner()) : h("ul", {}, inner());
    case "item":
      return h("li", {}, inner());
    case "quote":
      return h("blockquote", {}, inner());
    case "rule":
      return h("hr");
    case "table":
      return drawTable(node, draw, depth);
    case "code_block":
      return h("pre", { tabindex: "0", "aria-label": "Code" }, h("code", {}, neutralise(node.text ?? "")));
    case "text":
      return document.createTextNode(neutralise(node.text ?? ""));
    case "strong":
      return h("strong", {}, inner());
    case "emphasis":
      return h("em", {}, inner());
    case "code":
      return h("code", {}, neutralise(node.text ?? ""));
    case "link":
      return drawLink(node, inner());
    case "break":
      return h("br");
    case "space":
      return document.createTextNode(" ");
    default:
      return Array.isArray(node?.children) ? h("span", {}, inner()) : null;
  }
}

function drawLink(node, children) {
  const target = String(node.href ?? "");
  if (!target.startsWith("https://")) return h("span", {}, children);
  return h("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, children);
}

function drawTable(node, draw, depth) {
  const aligns = (node.align ?? []).map((one) => (ALIGNS.has(one) ? one : null));
  const rows = (node.children ?? []).map((row, place) =>
    h("tr", {}, (row.children ?? []).map((cell, column) =>
      h(place ? "td" : "th", { class: aligns[column] && `align-${aligns[column]}`, scope: place ? null : "col" }, drawTree(cell.children, draw, depth + 1)),
    )),
  );
  const table = h("table", {}, h("thead", {}, rows[0]), h("tbody", {}, rows.slice(1)));
  return h("div", { class: "table-scroll", tabindex: "0", role: "group", "aria-label": "Table" }, table);
}
