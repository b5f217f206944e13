// One answer: its tree with sources, what of it came from outside, thumbs.

import { post } from "../../lib/api.js";
import { button, h, icon, newId, replace } from "../../lib/dom.js";
import { notify } from "../../lib/dialog.js";
import { formatValue, neutralise } from "../../lib/format.js";
import { outsideMark } from "../../lib/text.js";
import { drawTree } from "../../lib/tree.js";
import { placeName, recordAddress } from "./words.js";

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const RECORD_ID = /^[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?$/;

/** A finished answer, as the service says it. */
export function drawAnswer(threadId, answer) {
  const body = h("div", { class: "answer-body" }, drawTree(answer.tree, {
    citation: (node, children) => drawCitation(answer.citations[node.number - 1], children),
    outside: (node, children) => h("span", { class: "from-outside record-text", title: "Somebody outside the company may have written this" }, h("span", { class: "unseen" }, "External: "), children),
  }));
  tidyChips(body);
  const places = [...new Map(answer.outside.map((one) => [`${one.object}.${one.field}`, one])).values()];
  return h("div", { class: "answer", id: `answer-${answer.message_id}` },
    body,
    places.length > 0 && h("p", { class: "outside-note small" }, outsideMark(), `This answer repeats text that somebody outside may have written: ${places.map(placeName).join(", ")}.`),
    drawThumbs(threadId, answer));
}

/** A value with its source: a link that opens the record at the field. Ids of records are drawn as an arrow to them. */
function drawCitation(citation, children) {
  if (!citation) return h("span", {}, children);
  const isId = RECORD_ID.test(citation.text) && citation.field === null;
  const attrs = { href: recordAddress(citation), class: isId ? "cite chip" : "cite", title: isId ? `Open the ${placeName(citation).toLowerCase()}` : placeName(citation) };
  if (INSTANT.test(citation.text)) return h("a", { ...attrs, title: `${placeName(citation)}: ${citation.text}` }, formatValue(citation.text));
  return isId ? h("a", { ...attrs, "aria-label": `${placeName(citation)} ${citation.id}` }, icon("open")) : h("a", attrs, children);
}

/** "(Account)" with a chip in it needs no brackets. */
function tidyChips(body) {
  for (const chip of body.querySelectorAll(".chip")) {
    const [before, after] = [chip.previousSibling, chip.nextSibling];
    if (before?.nodeType === Node.TEXT_NODE && after?.nodeType === Node.TEXT_NODE && before.data.endsWith("(") && after.data.startsWith(")")) {
      before.data = before.data.slice(0, -1);
      after.data = after.data.slice(1);
    }
  }
}

function drawThumbs(threadId, answer) {
  const place = h("div", { class: "thumbs" });
  const state = { rating: answer.rating?.rating ?? null, reason: answer.rating?.reason ?? "" };
  const give = async (rating, reason) => {
    try {
      await post(`/threads/${threadId}/feedback`, { message_id: answer.message_id, rating, ...(reason ? { reason } : {}) });
      Object.assign(state, { rating, reason: reason ?? "" });
      return true;
    } catch (problem) {
      notify(problem.message, { kind: "fault" });
      return false;
    }
  };
  const draw = (asks = false) => {
    const thumb = (rating, label, drawing) => button(label, async () => {
      if (await give(rating, null)) {
        draw(true);
        place.querySelector("input")?.focus();
      }
    }, { drawing, iconOnly: true, kind: "quiet", "aria-pressed": String(state.rating === rating) });
    replace(place, thumb("up", "Good answer", "up"), thumb("down", "Bad answer", "down"),
      asks && askReason(state, async (reason) => {
        if (await give(state.rating, reason)) {
          draw();
          notify("Thank you: your reason was noted.");
        }
      }),
      !asks && state.reason && h("span", { class: "quiet-text small record-text" }, neutralise(state.reason)));
  };
  draw();
  return place;
}

function askReason(state, done) {
  const id = newId("reason");
  const input = h("input", { id, type: "text", maxlength: "2000", placeholder: state.rating === "up" ? "What was good? (optional)" : "What was wrong? (optional)" });
  return h("form", { class: "reason", onsubmit: (event) => { event.preventDefault(); if (input.value.trim()) done(input.value.trim()); } },
    h("label", { for: id, class: "unseen" }, "Reason"), input, h("button", { type: "submit", class: "button" }, "Send reason"));
}
