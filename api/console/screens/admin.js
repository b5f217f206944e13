// What administrators look after, one part at a time; each part is shown to those who may.

import { h, replace } from "../lib/dom.js";
import { pageHead, partLinks, Screen } from "../lib/page.js";
import { session } from "../lib/session.js";

const PARTS = [
  { name: "switches", label: "Kill switches", needs: ["manage_policy", "policy:manage"], load: () => import("./admin/switches.js") },
  { name: "policy", label: "Policy", needs: ["manage_policy", "policy:manage"], load: () => import("./admin/policy.js") },
  { name: "reach", label: "Reach", needs: ["manage_policy", "policy:manage"], load: () => import("./admin/reach.js") },
  { name: "models", label: "Models and budgets", needs: ["manage_policy", "gateway:manage"], load: () => import("./admin/models.js") },
  { name: "people", label: "People and rights", needs: ["manage_policy", "policy:manage"], load: () => import("./admin/people.js") },
  { name: "retention", label: "Retention", needs: ["erase_data", "data:erase"], load: () => import("./admin/retention.js") },
];

class Admin extends Screen {
  static observedAttributes = ["part"];

  async draw() {
    const { me } = session;
    const open = PARTS.filter(({ needs: [permission, scope] }) => me.permissions.includes(permission) && me.scopes.includes(scope));
    const wanted = this.getAttribute("part");
    const part = PARTS.find((one) => one.name === wanted) ?? open[0] ?? PARTS[0];
    const place = h("div", { class: "stack" });
    replace(this, h("div", { class: "page" }, pageHead("Admin"), partLinks("Parts of admin", open.map((one) => ({ path: `admin/${one.name}`, label: one.label })), `admin/${part.name}`), place));
    const { draw } = await part.load();
    if (place.isConnected) draw(place, this);
  }
}

customElements.define("cs-admin", Admin);
