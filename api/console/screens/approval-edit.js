// Editing a request: a field for each argument of its tool, and fields of the record that can be put in or left out.
// What comes of it is a new request, which goes through all guards and waits to be decided.

import { get, Problem } from "../lib/api.js";
import { openDialog } from "../lib/dialog.js";
import { button, h, newId } from "../lib/dom.js";
import { blame } from "../lib/fields.js";
import { Field } from "../lib/form.js";
import { formatFieldName } from "../lib/format.js";
import { inWords } from "../lib/page.js";

/** Asks for the request as it should be, and gives what `send(arguments)` makes of it, or null. */
export async function askForEdit(card, send) {
  const editable = await get(`/approvals/${card.approval_id}/editable`);
  const names = { ...Object.fromEntries(card.card.changes.filter((one) => one.operation !== "create").map((one) => [one.id, one.name])), ...card.names };
  const parts = Object.entries(card.arguments).map(([name, value]) => drawArgument(name, value, editable, names));
  return openDialog({
    title: "Edit: makes a new request",
    size: "wide",
    body: [
      h("p", { class: "notice" }, "What you change becomes a request of its own, which waits to be decided. This one closes."),
      h("div", { class: "arguments" }, parts.map((part) => part.element)),
    ],
    actions: [
      { label: "Back", value: null },
      { label: "Make the new request", kind: "primary", value: async () => {
        const changed = Object.fromEntries(await inTurn(parts, async (part) => [part.name, await part.read()]));
        const fields = parts.flatMap((part) => part.fields());
        const wrong = fields.find((one) => one.isWrong);
        if (wrong) {
          wrong.focus();
          throw new Error("Look at the marked fields.");
        }
        if (JSON.stringify(changed) === JSON.stringify(card.arguments)) throw new Error("Nothing is different yet.");
        try {
          return await send(changed);
        } catch (problem) {
          if (problem instanceof Problem && blame(fields, problem)) throw new Error("Look at the marked fields.");
          throw problem;
        }
      } },
    ],
  });
}

async function inTurn(parts, work) {
  const found = [];
  for (const part of parts) found.push(await work(part));
  return found;
}

function drawArgument(name, value, editable, names) {
  const choices = editable.fields[name];
  if (choices?.length && isPlainObject(value)) return new RecordFields(name, value, choices, names);
  const part = resolve(editable.arguments.properties?.[name] ?? {}, editable.arguments);
  if (isPlainObject(value) || Array.isArray(value) || ["object", "array"].includes(part.type)) return new JsonValue(name, value);
  return new Single(`arguments.${name}`, name, inWords(name), value, part, names);
}

function isPlainObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** The part of a schema that is not null, with what it refers to. */
function resolve(given, whole) {
  const part = given.anyOf?.find((one) => one.type !== "null") ?? given;
  const found = part.$ref ? whole.$defs?.[part.$ref.split("/").at(-1)] ?? {} : part;
  return { ...found, description: given.description ?? found.description };
}

/** One value. What nobody touched comes back as it was, whatever its input makes of it. */
class Single {
  constructor(place, name, title, value, part, names) {
    Object.assign(this, { name, value });
    const isText = typeof value === "string";
    const kind = { ...part, type: part.type ?? (typeof value === "number" ? "number" : typeof value === "boolean" ? "boolean" : "string") };
    if (kind.enum && isText && !kind.enum.includes(value)) kind.enum = [value, ...kind.enum];
    kind.default = isText ? names[value] ?? value : value;
    this.field = new Field(place, kind, false, { title, isMarked: false });
    this.before = stateOf(this.field.input);
    this.element = this.field.element;
  }

  fields() {
    return [this.field];
  }

  async read() {
    this.field.fault("");
    if (stateOf(this.field.input) === this.before) return this.value;
    const found = await this.field.read();
    return found === undefined ? null : found;
  }
}

function stateOf(input) {
  return input.type === "checkbox" ? input.checked : input.value;
}

/** A list or an object, as JSON. */
class JsonValue {
  constructor(name, value) {
    const id = newId("argument");
    Object.assign(this, { name, value });
    this.text = JSON.stringify(value, null, 1);
    this.input = h("textarea", { id, rows: "3", spellcheck: "false", value: this.text });
    this.element = h("div", { class: "field" }, h("label", { for: id }, inWords(name)), this.input);
  }

  fields() {
    return [];
  }

  async read() {
    if (this.input.value === this.text) return this.value;
    try {
      return JSON.parse(this.input.value);
    } catch {
      throw new Error(`${this.name}: expected JSON, such as ["a", "b"].`);
    }
  }
}

/** Fields of a record with their values; others can be put in, and each can be left out. */
class RecordFields {
  constructor(name, values, choices, names) {
    const id = newId("add");
    Object.assign(this, { name, choices, names, rows: [] });
    this.list = h("div", { class: "arguments" });
    this.select = h("select", { id });
    this.adding = h("div", { class: "field" }, h("label", { for: id }, "Another field"),
      h("div", { class: "add-field" }, this.select, button("Add this field", () => this.#add(this.select.value, null, true))));
    for (const [field, value] of Object.entries(values)) this.#add(field, value, false);
    this.#offer();
    this.element = h("fieldset", { class: "record-fields" }, h("legend", {}, inWords(name)), this.list, this.adding);
  }

  fields() {
    return this.rows.map((row) => row.single.field);
  }

  async read() {
    if (!this.rows.length) throw new Error(`${inWords(this.name)}: at least one field.`);
    return Object.fromEntries(await inTurn(this.rows, async ({ single, isNew }) => {
      const found = await single.read();
      if (isNew && found === null && !single.field.isWrong) single.field.fault("Give a value, or leave the field out.");
      return [single.name, found];
    }));
  }

  #add(field, value, isNew) {
    if (!field) return;
    const part = this.choices.find((one) => one.name === field)?.value ?? {};
    const single = new Single(`arguments.${this.name}.${field}`, field, formatFieldName(field), value, part, this.names);
    if (isNew && part.type === "boolean") single.before = null; // not ticked is a value, too
    const row = { single, isNew };
    const leave = button("Leave out", () => {
      this.rows.splice(this.rows.indexOf(row), 1);
      line.remove();
      this.#offer();
      this.select.focus();
    }, { "aria-label": `Leave out ${formatFieldName(field)}` });
    const line = h("div", { class: "argument-row" }, single.element, leave);
    this.rows.push(row);
    this.list.append(line);
    this.#offer();
    if (isNew) single.field.focus();
  }

  #offer() {
    const here = new Set(this.rows.map((row) => row.single.name));
    const left = this.choices.filter((one) => !here.has(one.name));
    this.select.replaceChildren(h("option", { value: "" }, "Choose…"), ...left.map((one) => h("option", { value: one.name }, formatFieldName(one.name))));
    this.adding.hidden = left.length === 0;
  }
}
