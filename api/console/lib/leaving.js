// What leaves the house once somebody has agreed to it, all of it: a message, or a call of another system's tool.

import { h } from "./dom.js";
import { formatInstant, neutralise } from "./format.js";
import { recordText } from "./text.js";

/** An e-mail of a request's card. `outside`: somebody outside may have written its text. */
export function drawMessage(message, { outside = false } = {}) {
  return h("section", { class: "message" },
    h("h3", {}, message.separately ? "The e-mail, to each of them by itself" : "The e-mail"),
    h("dl", { class: "pairs" },
      h("dt", {}, "From"), h("dd", {}, recordText(message.from)),
      h("dt", {}, "Reply to"), h("dd", {}, recordText(message.reply_to)),
      message.recipients.map((one) => [h("dt", {}, neutralise(one.role)), h("dd", {}, recordText(one.name), " <", recordText(one.address), ">")]),
      h("dt", {}, "Subject"), h("dd", {}, recordText(message.subject)),
      message.meeting ? [h("dt", {}, "For calendars"), h("dd", {}, recordText(message.meeting.subject), `, ${formatInstant(message.meeting.starts)} to ${formatInstant(message.meeting.ends)} `, recordText(message.meeting.location ?? ""))] : null),
    h("div", { class: "letter", role: "group", "aria-label": "Text of the e-mail" }, recordText(message.body, { limit: 3_000, block: true, outside })));
}

/** A call that a system of others would be sent. Its arguments are the copilot's. */
export function drawCall(call) {
  const given = Object.entries(call.arguments);
  return h("section", { class: "message" },
    h("h3", {}, "The call, as it would be sent"),
    h("dl", { class: "pairs" },
      h("dt", {}, "System"), h("dd", {}, recordText(call.server)),
      h("dt", {}, "Tool"), h("dd", {}, recordText(call.tool)),
      given.map(([name, value]) => [h("dt", {}, neutralise(name)), h("dd", {}, recordText(typeof value === "string" ? value : JSON.stringify(value, null, 1), { limit: 3_000, block: true }))])),
    given.length ? null : h("p", { class: "quiet-text" }, "Without arguments."));
}
