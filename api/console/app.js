// The shell: which screen an address shows, the menu, and who is signed in.

import { get, post, Problem } from "./lib/api.js";
import { announce, button, h, replace } from "./lib/dom.js";
import { notify } from "./lib/dialog.js";
import { endSession, isSignedIn, keepSession, session } from "./lib/session.js";
import { SCREENS } from "./screens.js";

const main = document.getElementById("main");
const panel = document.getElementById("panel");
const bar = document.querySelector("header.bar");
let shown = "";
let panelFrom = null;

window.addEventListener("hashchange", () => show());
session.addEventListener("signed-out", () => showSignIn());
session.addEventListener("signed-in", () => start());
document.addEventListener("signed-in", () => start());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && closeMenu()) bar.querySelector(".who summary").focus();
  else if (event.key === "Escape" && !panel.hidden && !document.querySelector("dialog[open]")) closePanel();
});
document.addEventListener("pointerdown", (event) => {
  if (!event.target.closest?.(".who")) closeMenu();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("unhandledrejection", (event) => {
  if (event.reason?.name === "AbortError" || event.reason?.status === 401) return;
  notify(event.reason instanceof Problem ? event.reason.message : "Something went wrong. Reload the page.", { kind: "fault" });
});

/** The screen that a hash names, with its parameters: `#/record/Account/001?field=Name`. */
export function readRoute(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decode);
  const screen = SCREENS.find((one) => one.path === parts[0]) ?? null;
  const params = Object.fromEntries(new URLSearchParams(query));
  (screen?.params ?? []).forEach((name, place) => {
    if (parts[place + 1] !== undefined) params[name] = parts[place + 1];
  });
  return { screen, params };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function start() {
  closePanel({ quiet: true });
  shown = "";
  prefetch();
  try {
    keepSession(...await Promise.all([get("/auth/me"), get("/me")]));
  } catch (problem) {
    if (problem.status === 401) return showSignIn();
    return replace(main, h("div", { class: "card centred" }, h("h1", {}, "Not connected"), h("p", {}, problem.message), button("Try again", () => start(), { kind: "primary" })));
  }
  drawBar();
  return show();
}

/** Brings what the address shows while the service says who this is. */
function prefetch() {
  const screen = readRoute(window.location.hash).screen ?? SCREENS[0];
  const screens = screen.panel ? [SCREENS[0], screen] : [screen];
  for (const one of screens) prepare(one).catch(() => {}); // showing it brings it again, and tells
}

async function showSignIn() {
  await import("./screens/sign-in.js");
  closePanel({ quiet: true });
  shown = "";
  bar.hidden = true;
  document.body.classList.add("signed-out");
  document.title = "Sign in – Countersign";
  replace(main, document.createElement("cs-sign-in"));
}

function drawBar() {
  document.body.classList.remove("signed-out");
  bar.hidden = false;
  const open = SCREENS.filter((one) => one.label && (!one.needs || one.needs(session.me)) && (!one.offered || one.offered(session.me)));
  replace(bar.querySelector("nav"), h("ul", {}, open.map((one) => h("li", {}, h("a", { href: `#/${one.path}`, id: `nav-${one.path}` }, one.label)))));
  replace(bar.querySelector(".bar-end"),
    button("Light or dark", switchTheme, { drawing: "theme", iconOnly: true, kind: "quiet" }),
    h("details", { class: "who" },
      h("summary", { "aria-label": `Signed in as ${session.me.name}` }, initials(session.me.name)),
      h("div", { class: "menu" },
        h("p", {}, h("strong", {}, session.me.name)),
        h("p", { class: "quiet-text small" }, [session.me.title, session.me.tenant].filter(Boolean).join(" · ")),
        button("Sign out", signOut))));
}

/** Whether the person's menu was open. */
function closeMenu() {
  const menu = bar.querySelector(".who[open]");
  menu?.removeAttribute("open");
  return menu !== null;
}

async function signOut() {
  try {
    await post("/auth/sign-out");
  } catch (problem) {
    if (problem.status !== 401) return notify(problem.message, { kind: "fault" });
  }
  return endSession();
}

function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  return ((words[0]?.[0] ?? "?") + (words.length > 1 ? words.at(-1)[0] : "")).toUpperCase();
}

function switchTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  window.localStorage.setItem("countersign.theme", root.dataset.theme);
  document.dispatchEvent(new Event("theme-changed"));
  announce(isDark ? "Light theme" : "Dark theme");
}

async function show() {
  if (!isSignedIn() || session.me === null) return;
  const hash = window.location.hash;
  const { screen, params } = readRoute(hash);
  closeMenu();
  if (screen === null || (screen.needs && !screen.needs(session.me))) {
    if (hash === "" || hash === "#" || hash === "#/") window.history.replaceState(null, "", "#/chat");
    else return showMissing();
    return show();
  }
  if (screen.panel) {
    if (shown === "") await showMain(SCREENS[0], {}, "#/chat");
    return showPanel(screen, params);
  }
  const wasPanel = !panel.hidden;
  closePanel({ quiet: true });
  if (wasPanel && hash === shown) return undefined;
  return showMain(screen, params, hash);
}

async function showMain(screen, params, hash) {
  shown = hash;
  await prepare(screen);
  if (shown !== hash) return; // another address was opened meanwhile
  const have = main.firstElementChild;
  const isSame = have?.localName === screen.element;
  const element = isSame ? have : document.createElement(screen.element);
  setParams(element, params);
  for (const link of bar.querySelectorAll("nav a")) {
    if (link.id === `nav-${screen.path}`) {
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "center" });
    }
    else link.removeAttribute("aria-current");
  }
  document.title = `${screen.label} – Countersign`;
  if (isSame) return;
  replace(main, element);
  main.focus({ preventScroll: true });
  announce(screen.label);
}

async function showPanel(screen, params) {
  await prepare(screen);
  if (panel.hidden) panelFrom = document.activeElement;
  const have = panel.querySelector(screen.element);
  const element = have ?? document.createElement(screen.element);
  setParams(element, params);
  panel.hidden = false;
  document.body.classList.add("has-panel");
  if (!have) replace(panel, button("Close", () => closePanel(), { drawing: "close", iconOnly: true, kind: "quiet", class: "button quiet icon-only panel-close" }), element);
  panel.focus({ preventScroll: true });
}

/** Closes the panel; the address is again that of the screen beside it. */
export function closePanel({ quiet = false } = {}) {
  if (panel.hidden) return;
  panel.hidden = true;
  panel.replaceChildren();
  document.body.classList.remove("has-panel");
  if (quiet) return;
  window.history.pushState(null, "", shown || "#/chat");
  if (panelFrom?.isConnected) panelFrom.focus();
  else main.focus();
}

function setParams(element, params) {
  for (const name of element.getAttributeNames()) {
    if (!(name in params) && name !== "class") element.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(params)) {
    if (/^[a-z][a-z-]*$/.test(name) && !name.startsWith("on") && name !== "style") element.setAttribute(name, value);
  }
}

const styles = new Map();

/** Brings a screen's module and its styles. */
async function prepare(screen) {
  if (!styles.has(screen.path)) styles.set(screen.path, addStyles(screen.path));
  await Promise.all([styles.get(screen.path), screen.load()]);
}

/** Resolves when the styles are there, or not to be had. */
function addStyles(name) {
  const sheet = h("link", { rel: "stylesheet" });
  const settled = new Promise((resolve) => {
    sheet.addEventListener("load", resolve);
    sheet.addEventListener("error", resolve);
  });
  sheet.setAttribute("href", `styles/${name}.css`);
  document.head.append(sheet);
  return settled;
}

function showMissing() {
  shown = window.location.hash;
  document.title = "Not found – Countersign";
  replace(main, h("div", { class: "card centred" }, h("h1", {}, "There is nothing here"), h("p", {}, "This address leads to no screen that you may see."), h("p", {}, h("a", { href: "#/chat" }, "Go to the chat"))));
  main.focus({ preventScroll: true });
}

start();
