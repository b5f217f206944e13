// What agent-inbox and programs send through the JavaScript SDK, call by call. Run by deploy/try_clients.py.
import { Client } from "@langchain/langgraph-sdk";
import { DEAL, call, deal, demand } from "./service.mjs";

const { URL: apiUrl, REP, MANAGER } = process.env;
const client = new Client({ apiUrl, apiKey: REP });
const manager = new Client({ apiUrl, apiKey: MANAGER });
const ask = (text) => ({ messages: [{ type: "human", content: text }] });

async function streamed(threadId, payload) {
  const parts = [];
  for await (const part of client.runs.stream(threadId, "countersign", payload)) parts.push(part);
  return parts;
}

async function held(text) {
  const { thread_id } = await client.threads.create({ metadata: {} });
  const parts = await streamed(thread_id, { input: ask(text), streamMode: ["values", "messages-tuple"] });
  if (parts.at(-1).event !== "end") throw new Error("the stream has no end");
  return thread_id;
}

const found = await client.assistants.search({ graphId: "countersign" });
demand(found.length === 1, "the assistant is found");

// agent-inbox: the list, with values and what each thread waits for, filtered as it filters.
const MONTH = { "1.15.0": "06", "2.0.0": "09" }[process.env.VERSION];
const change = (to) => `change the next step of the ${DEAL} to ${to}`;
const first = await held(change("Call Bo Ray"));
const listed = await client.threads.search({
  metadata: { graph_id: "countersign" }, status: "interrupted", limit: 10, offset: 0,
});
const [waiting] = Object.values(listed.find((one) => one.thread_id === first).interrupts)[0];
demand(waiting.value.action_requests[0].arguments.record_id, "a waiting thread is listed with its card and arguments");
demand(listed.every((one) => one.values.messages.length > 0), "and with its values");
const byUuid = await client.threads.search({ metadata: { assistant_id: found[0].assistant_id }, status: "interrupted" });
demand(byUuid.length === listed.length, "the assistant's id filters like its name");
const state = await client.threads.getState(first);
demand(state.tasks.at(-1).interrupts[0].value.action_requests.length === 1, "the state tells the same");
demand((await client.threads.getHistory(first, { limit: 10 })).length > 0, "the history is read");

// Nothing is a yes that does not say so.
for (const resume of [true, "approve", {}, [], [{ type: "yes" }], { decisions: [] }, { decisions: [{}] }]) {
  const refused = await streamed(first, { input: {}, command: { resume } }).then(() => null, (error) => error);
  if (refused === null) throw new Error(`taken for an answer: ${JSON.stringify(resume)}`);
}
demand((await deal()).NextStep !== "Call Bo Ray", "seven answers that are none change nothing");

const inbox = (response) => ({ command: { resume: [response] }, streamMode: "events" });
const nodes = (await streamed(first, inbox({ type: "accept", args: null })))
  .map((one) => one.data?.metadata?.langgraph_node).filter(Boolean);
demand(nodes.includes("settle"), "accept, with events by node as the inbox reads them");
demand((await deal()).NextStep === "Call Bo Ray", "and the change is made");

const edited = await held(change("Call Cy"));
const [shown] = Object.values((await client.threads.get(edited)).interrupts)[0];
const { name, args } = shown.value.action_requests[0];
const asText = Object.fromEntries(
  Object.entries(args).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
);
asText.fields = JSON.stringify({ NextStep: "Call Di" });
await streamed(edited, inbox({ type: "edit", args: { action: name, args: asText } }));
const [again] = Object.values((await client.threads.get(edited)).interrupts)[0];
demand(JSON.stringify(again.value.action_requests[0].args).includes("Call Di"), "edit with form fields is a new request");
await streamed(edited, { command: { resume: { [again.id]: { decisions: [{ type: "approve" }] } } } });
demand((await deal()).NextStep === "Call Di", "a map by interrupt id approves it");

const rejected = await held(change("Call Ed"));
const told = await streamed(rejected, inbox({ type: "response", args: "Ed has left" }));
demand(told.at(-1).event === "end" && (await deal()).NextStep === "Call Di", "response rejects with its words");
const ignored = await held(change("Call Flo"));
await client.runs.create(ignored, "countersign", { command: { resume: [{ type: "ignore", args: null }] } });
const decided = await held(change("Call Gus"));
await client.threads.updateState(decided, { values: null, asNode: "__end__" });
demand((await client.threads.get(decided)).status === "idle", "'Mark as resolved' clears what waits");
const dismissed = await held(change("Call Hal"));
await streamed(dismissed, { input: {}, command: { goto: "__end__" } });
demand((await client.threads.get(dismissed)).status === "idle", "also in the chat UI's way");

// A second person.
const second = await held(`change the close date of the ${DEAL} to 2027-${MONTH}-30`);
const [card] = Object.values((await client.threads.get(second)).interrupts)[0];
const [approval] = card.value.approvals;
const others = await manager.threads.get(second).then(() => null, (error) => error);
demand(others !== null, "the thread is its owner's only");
await call(MANAGER, "POST", `/approvals/${approval.approval_id}/decision?wait=true`, {
  decision: "approve", digest: approval.digest,
});
demand((await client.threads.get(second)).status === "idle", "the second person approves the digest, and the thread goes on");

const values = await client.runs.wait(null, "countersign", { input: ask("show the open cases of Acme Industries") });
demand(values.messages.at(-1).type === "ai", "a run without a thread");

// Whole threads: copied, answered anew, followed over their runs.
const talk = (await client.threads.create({ metadata: {} })).thread_id;
await client.runs.wait(talk, "countersign", { input: ask("show the open cases of Acme Industries") });
const copy = await client.threads.copy(talk);
demand(copy.thread_id !== talk && copy.values.messages.length > 2, "a thread is copied");
const anew = await client.runs.wait(copy.thread_id, "countersign", {});
demand(anew.messages.filter((one) => one.type === "human").length === 1, "a run without input answers the last message anew");
const seen = [];
const line = new AbortController(); // it is held open for a quarter of an hour, and leaving the loop does not let go of it
const following = (async () => {
  for await (const part of client.threads.joinStream(copy.thread_id, { signal: line.signal })) {
    seen.push(part.event);
    if (part.event === "end") break;
  }
})();
await new Promise((resolve) => setTimeout(resolve, 500));
await client.runs.wait(copy.thread_id, "countersign", { input: ask("show the open cases of Globex") });
await following;
line.abort();
demand(seen[0] === "metadata" && seen.includes("values"), "a thread is followed over its runs");
const versions = await client.assistants.getVersions("countersign");
demand(versions[0].version === (await client.assistants.get("countersign")).version, "the versions of the assistant are listed");
