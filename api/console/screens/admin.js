// What administrators look after, one part at a time; each part is shown to those who may.

import { h, replace } from "../lib/dom.js";
import { pageHead, partLinks, Screen } from "../lib/page.js";
import { session } from "../lib/session.js";

const POLICY = ["manage_policy", "policy:manage"];
const USERS = ["manage_users", "users:manage"];

/** `needs`: permissions with their scopes, of which one is enough. */
const PARTS = [
  { name: "switches", label: "Kill switches", needs: [POLICY], load: () => import("./admin/switches.js") },
  { name: "policy", label: "Policy", needs: [POLICY], load: () => import("./admin/policy.js") },
  { name: "reach", label: "Reach", needs: [POLICY], load: () => import("./admin/reach.js") },
  { name: "models", label: "Models and budgets", needs: [["manage_policy", "gateway:manage"]], load: () => import("./admin/models.js") },
  { name: "people", label: "People", needs: [USERS, POLICY], load: () => import("./admin/people.js") },
  { name: "sets", label: "Permission sets", needs: [USERS, POLICY], load: () => import("./admin/sets.js") },
  { name: "groups", label: "Groups", needs: [USERS], load: () => import("./admin/groups.js") },
  { name: "keys", label: "Keys", needs: [USERS], load: () => import("./admin/keys.js") },
  { name: "retention", label: "Retention", needs: [["erase_data", "data:erase"]], load: () => import("./admin/retention.js") },
];

class Admin extends Screen {
  static observedAttributes = ["part", "subject"];

  async draw() {
    const { me } = session;
    const open = PARTS.filter(({ needs }) => needs.some(([permission, scope]) => me.permissions.includes(permission) && me.scopes.includes(scope)));
    const wanted = this.getAttribute("part");
    const part = PARTS.find((one) => one.name === wanted) ?? open[0] ?? PARTS[0];
    const isFirst = !this.hasChildNodes();
    const place = h("div", { class: "stack part", tabindex: "-1", "aria-busy": "true" });
    replace(this, h("div", { class: "page" }, pageHead("Admin"), partLinks("Parts of admin", open.map((one) => ({ path: `admin/${one.name}`, label: one.label })), `admin/${part.name}`), place));
    this.querySelector(".parts [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    const { draw } = await part.load();
    if (!place.isConnected) return;
    draw(place, this, this.getAttribute("subject"));
    if (!isFirst) place.focus({ preventScroll: true });
  }
}

customElements.define("cs-admin", Admin);
