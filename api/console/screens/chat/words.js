// What the chat calls things.

import { formatFieldName } from "../../lib/format.js";
import { toolName } from "../../lib/provenance.js";

export { toolName };

/** "service" -> "Service". */
export function agentName(name) {
  return name ? toolName(name) : "Copilot";
}

/** The place of a value, as an address of the record panel. */
export function recordAddress({ object, id, field }) {
  const address = `#/record/${encodeURIComponent(object)}/${encodeURIComponent(id)}`;
  return field ? `${address}?field=${encodeURIComponent(field)}` : address;
}

/** "Case · Case Number". */
export function placeName({ object, field }) {
  return field ? `${formatFieldName(object)} · ${formatFieldName(field)}` : formatFieldName(object);
}

export const STATES = {
  done: "Done",
  failed: "Failed",
  denied: "Declined",
  working: "At work",
  waiting: "Waits for a decision",
};
