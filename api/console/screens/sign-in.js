// Signing in: with a provider of the organisation, or by name where the service is a demo.

import { get, post } from "../lib/api.js";
import { button, h, newId, replace } from "../lib/dom.js";
import { tellOthers } from "../lib/session.js";

class SignIn extends HTMLElement {
  async connectedCallback() {
    const place = h("div", { class: "sign-in-ways" });
    replace(this,
      h("div", { class: "card sign-in-card" },
        h("p", { class: "brand" }, document.querySelector(".bar .brand-mark").cloneNode(true), h("span", {}, "Countersign")),
        h("h1", {}, "Sign in"),
        h("p", { class: "quiet-text" }, "Ask your CRM in plain words. Nothing is changed until a person countersigns it."),
        place));
    try {
      const { providers, development } = await get("/auth/providers");
      replace(place, providers.map(drawProvider), development && this.#drawDevelopment(),
        !providers.length && !development && h("p", { class: "notice" }, "Nobody can sign in here yet: no provider has been set up."));
      this.querySelector("input, .button")?.focus();
    } catch (problem) {
      replace(place, h("p", { class: "fault", role: "alert" }, problem.message), button("Try again", () => this.connectedCallback()));
    }
  }

  #drawDevelopment() {
    const nameId = newId("name");
    this.fault = h("p", { class: "fault", role: "alert", hidden: true });
    this.name = h("input", { id: nameId, name: "username", type: "text", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false", placeholder: "dana@northwind.example" });
    this.submit = button("Sign in", null, { kind: "primary", type: "submit" });
    return h("form", { class: "sign-in-form", onsubmit: (event) => this.#signIn(event) },
      h("label", { for: nameId }, "User name"), this.name, this.fault, this.submit,
      h("p", { class: "quiet-text small" }, "This service runs in demo mode: the name of a seeded person is enough."));
  }

  async #signIn(event) {
    event.preventDefault();
    this.fault.hidden = true;
    this.submit.disabled = true;
    try {
      await post("/dev/sign-in", { username: this.name.value.trim() });
      tellOthers();
      this.dispatchEvent(new CustomEvent("signed-in", { bubbles: true }));
    } catch (problem) {
      this.fault.textContent = problem.status === 401 ? "There is nobody of this name." : problem.message;
      this.fault.hidden = false;
      this.name.focus();
    } finally {
      this.submit.disabled = false;
    }
  }
}

function drawProvider({ label, start }) {
  const returnTo = encodeURIComponent(`/console/${window.location.hash}`);
  return h("a", { class: "button primary", href: `${start}?return_to=${returnTo}` }, `Sign in with ${label}`);
}

customElements.define("cs-sign-in", SignIn);
