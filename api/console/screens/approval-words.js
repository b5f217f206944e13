// What the inbox can be asked for, how tall its lines are, and the keys that work in it.

import { formatFieldName } from "../lib/format.js";
import { toolName } from "../lib/provenance.js";

const NAMED = 2;

export const VIEWS = [["mine", "Mine"], ["team", "My team's"], ["requested", "I asked"], ["all", "All"]];
export const FILTERS = ["view", "status", "record", "run", "object", "tool", "external", "escalated", "sort"];
export const FATES = ["applied", "rejected", "refused", "expired", "edited", "answered", "recalled"];

/** Of a line in pixels: a title of two lines, and what it is about. */
export const ROW_HEIGHT = 98;

const KINDS = ["Account", "Contact", "Lead", "Opportunity", "Quote", "Order", "Case", "Task", "Event", "EmailMessage", "Campaign", "Knowledge__kav"];

/** Filters with a field: name, label, values with their words. */
export const PICKS = [
  ["status", "State", [["", "Waiting"], ["decided", "Decided or closed"]]],
  ["object", "Kind of record", [["", "Any"], ...KINDS.map((one) => [one, formatFieldName(one)])]],
  ["external", "External text", [["", "Any"], ["false", "Without"], ["true", "With"]]],
  ["escalated", "Escalated", [["", "Any"], ["true", "Only escalated"]]],
  ["sort", "Order", [["", "Oldest first"], ["newest", "Newest first"], ["expiring", "Expiring first"]]],
];

export const HELP = [
  [["j", "↓"], "Next request"], [["k", "↑"], "The one before"], [["Enter"], "Read the card"], [["a"], "Approve what is shown"],
  [["r"], "Reject, with a reason"], [["e"], "Edit: makes a new request"], [["w"], "Respond instead"], [["x"], "Choose for deciding many at once"],
  [["b"], "Decide the chosen ones"], [["?"], "This help"],
];

/** What a request is about, in a few words: "Subject, Due Date and 3 more". */
export function fieldsInShort({ fields, tool }) {
  if (!fields.length) return toolName(tool);
  const rest = fields.length - NAMED;
  return rest > 1 ? `${fields.slice(0, NAMED).map(formatFieldName).join(", ")} and ${rest} more` : fields.map(formatFieldName).join(", ");
}
