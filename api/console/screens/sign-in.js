// Signing in.

import { post } from "../lib/api.js";
import { button, h, newId, replace } from "../lib/dom.js";
import { keepSession } from "../lib/session.js";

class SignIn extends HTMLElement {
  connectedCallback() {
    const nameId = newId("name");
    this.fault = h("p", { class: "fault", role: "alert", hidden: true });
    this.name = h("input", { id: nameId, name: "username", type: "text", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false", placeholder: "dana@northwind.example" });
    this.submit = button("Sign in", null, { kind: "primary", type: "submit" });
    const form = h("form", { class: "sign-in-form", onsubmit: (event) => this.#signIn(event) },
      h("label", { for: nameId }, "User name"), this.name, this.fault, this.submit);
    replace(this,
      h("div", { class: "card sign-in-card" },
        h("h1", {}, "Sign in"),
        h("p", { class: "quiet-text" }, "Ask your CRM in plain words. Nothing is changed until a person countersigns it."),
        form,
        h("p", { class: "quiet-text small" }, "This service runs in demo mode: the name of a seeded person is enough.")));
    this.name.focus();
  }

  async #signIn(event) {
    event.preventDefault();
    this.fault.hidden = true;
    this.submit.disabled = true;
    try {
      const login = await post("/dev/login", { username: this.name.value.trim() });
      keepSession(login.access_token);
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

customElements.define("cs-sign-in", SignIn);
