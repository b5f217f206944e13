// Builds DOM nodes. Strings become text nodes and nothing else: there is no way from a text to markup here.

const SVG = "http://www.w3.org/2000/svg";
const SAFE_LINK = /^(#|https:\/\/|\/(?!\/))/;

/**
 * An element: h("a", { class: "x", href: "#/chat", onclick: go, hidden: isClosed }, "text", node, [more]).
 * Handlers are functions; null, undefined and false leave an attribute or a child out.
 */
export function h(tag, attrs = {}, ...children) {
  return fill(set(document.createElement(tag), attrs ?? {}), children);
}

/** The same for drawings. */
export function s(tag, attrs = {}, ...children) {
  return fill(set(document.createElementNS(SVG, tag), attrs ?? {}), children);
}

function set(element, attrs) {
  for (const [name, value] of Object.entries(attrs)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) {
      if (typeof value !== "function") throw new TypeError(`${name}: expected a function`);
      element.addEventListener(name.slice(2), value);
    } else if (name === "style" || name === "srcdoc") {
      throw new TypeError(`${name}: not an attribute that is set from text`);
    } else if (name === "href" && !SAFE_LINK.test(String(value))) {
      throw new TypeError("href: expected a place of the console, a path or an https address");
    } else if (name === "value" && "value" in element) {
      element.value = value;
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  return element;
}

function fill(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** Puts other children in the place of what is there. */
export function replace(element, ...children) {
  element.replaceChildren();
  return fill(element, children);
}

/** Says something to those who do not see it. */
export function announce(text) {
  const place = document.getElementById("announcer");
  place.textContent = "";
  window.setTimeout(() => {
    place.textContent = text;
  }, 50);
}

/** A new id for a label and what it labels. */
let ids = 0;
export function newId(prefix = "id") {
  ids += 1;
  return `${prefix}-${ids}`;
}

const ICONS = {
  send: "M4 12h15M13 6l6 6-6 6",
  stop: "M7 7h10v10H7z",
  retry: "M4 12a8 8 0 1 0 2.6-5.9M4 4v4.5h4.5",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  up: "M7 11v9H4v-9zM7 11l4-8c1.7 0 2.6 1.3 2.3 2.8L12.6 9H18a2 2 0 0 1 2 2.4l-1.3 7A2 2 0 0 1 16.700 20H7",
  download: "M12 4v11M7 10.500l5 5 5-5M5 20h14",
  down: "M17 13V4h3v9zM17 13l-4 8c-1.700 0-2.600-1.300-2.300-2.800L11.400 15H6a2 2 0 0 1-2-2.400l1.300-7A2 2 0 0 1 7.300 4H17",
  open: "M7 17 17 7M9 7h8v8",
  close: "M6 6l12 12M18 6 6 18",
  search: "M10.500 4a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13zM15.500 15.500 21 21",
  plus: "M12 5v14M5 12h14",
  check: "M4 12.500 9.500 18 20 6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  menu: "M4 7h16M4 12h16M4 17h16",
  eye: "M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 9a3 3 0 1 1 0 6 3 3 0 0 1 0-6z",
  chart: "M5 20V10M12 20V4M19 20v-7",
  theme: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  mail: "M3 6h18v12H3zM3 7l9 7 9-7",
  shield: "M12 3l8 3v6c0 5-3.500 8-8 9-4.500-1-8-4-8-9V6z",
  chevron: "M9 5l7 7-7 7",
  back: "M15 5l-7 7 7 7",
  trash: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
};

/** A small drawing beside words; what it means stands in the words. */
export function icon(name) {
  return s("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, s("path", { d: ICONS[name] }));
}

/** A button with words, or with a drawing whose words are heard and shown as a tip. */
export function button(label, onclick, { kind = "", drawing = null, iconOnly = false, ...attrs } = {}) {
  const names = iconOnly ? { "aria-label": label, title: label } : {};
  const classes = ["button", kind, iconOnly ? "icon-only" : ""].filter(Boolean).join(" ");
  return h("button", { type: "button", class: classes, onclick, ...names, ...attrs }, drawing && icon(drawing), iconOnly ? null : label);
}
