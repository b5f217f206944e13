// The service's interface: requests, problems as errors, and event streams that come back after a break.

import { credentials, endSession, isSignedIn } from "./session.js";

/** What the service answered instead of what was asked for, as RFC 9457 has it. */
export class Problem extends Error {
  constructor({ status = 0, type = "", title = "", detail = "", errors = [] }) {
    super(detail || title || "something went wrong");
    Object.assign(this, { name: "Problem", status, type, title, errors });
  }

  /** The last part of the kind: "stale", "not-entitled". */
  get kind() {
    return this.type.split(":").at(-1);
  }
}

/** The service could not be reached. */
export class Unreachable extends Problem {
  constructor() {
    super({ detail: "The service cannot be reached. Check the connection and try again.", type: "unreachable" });
  }
}

/** One request; the answer's JSON, or null. `query`: an object whose empty values are left out. */
export async function call(method, path, { body, query, headers = {}, signal } = {}) {
  const response = await send(method, path, { body, query, headers, signal });
  if (response.status === 204) return null;
  return response.json();
}

export const get = (path, query, options = {}) => call("GET", path, { query, ...options });
export const post = (path, body = {}, options = {}) => call("POST", path, { body, ...options });
export const patch = (path, body, options = {}) => call("PATCH", path, { body, ...options });
export const put = (path, body, options = {}) => call("PUT", path, { body, ...options });
export const remove = (path, options = {}) => call("DELETE", path, options);

/** A page of a list and where the next one begins: `{ items, next, total }`. */
export async function getPage(path, query, options = {}) {
  const response = await send("GET", path, { query, ...options });
  return pageOf(response);
}

export async function postPage(path, body, options = {}) {
  return pageOf(await send("POST", path, { body, ...options }));
}

async function pageOf(response) {
  const total = response.headers.get("X-Pagination-Total");
  return { items: await response.json(), next: response.headers.get("X-Pagination-Next"), total: total === null ? null : Number(total) };
}

/** The answer itself. Raises: Problem, Unreachable, AbortError. */
export async function send(method, path, { body, query, headers = {}, signal } = {}) {
  const given = body === undefined ? {} : { "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(withQuery(path, query), {
      method,
      headers: { Accept: "application/json", ...given, ...credentials(method), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable();
  }
  if (response.ok) return response;
  const problem = await readProblem(response);
  if (problem.status === 401 && isSignedIn()) endSession();
  throw problem;
}

function withQuery(path, query) {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") given.append(name, String(one));
    }
  }
  const text = given.toString();
  return text ? `${path}?${text}` : path;
}

async function readProblem(response) {
  try {
    return new Problem({ ...(await response.json()), status: response.status });
  } catch {
    return new Problem({ status: response.status, title: response.statusText || `status ${response.status}` });
  }
}

const SILENCE_MS = 16_000; // the service writes something every 5 s
const PAUSES_MS = [300, 600, 1_000, 2_000, 3_000, 5_000];
const PASSING = new Set([0, 429, 500, 502, 503, 504]);

/**
 * Follows a run to its end, at whichever process answers. `start` begins it and `find` looks, after a break before the
 * first answer, whether it was begun: both give a response or null. Later breaks go on after the last event.
 *
 * `onevent({ name, data, id })`, `onbreak(true | false)` when the line breaks and when it is there again.
 * Resolves at the event `end`. Raises: Problem, AbortError.
 */
export async function followRun({ path = null, start = null, find = null, lastId = "", onevent, onbreak = () => {}, signal }) {
  let at = path;
  let last = lastId;
  let tries = 0;
  let mayHaveBegun = false;
  for (;;) {
    try {
      const silence = new AbortController();
      const both = AbortSignal.any([signal, silence.signal]);
      if (at === null && mayHaveBegun && find) at = await find();
      let response;
      if (at === null) {
        mayHaveBegun = true;
        response = await start(both);
        at = new URL(response.headers.get("Content-Location"), window.location.origin).pathname;
      } else {
        response = await send("GET", `${at}/stream`, { headers: { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) }, signal: both });
      }
      onbreak(false);
      for await (const event of readEvents(response.body, silence)) {
        tries = 0;
        if (event.id) last = event.id;
        if (event.name === "end") return;
        onevent(event);
      }
    } catch (error) {
      if (signal.aborted) throw new DOMException("stopped", "AbortError");
      if (error instanceof Problem && !PASSING.has(error.status)) throw error;
      if (!(error instanceof Problem) && !(error instanceof TypeError) && error.name !== "AbortError") throw error;
    }
    if (signal.aborted) throw new DOMException("stopped", "AbortError");
    onbreak(true);
    await sleep(PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)], signal);
    tries += 1;
  }
}

/** The events of an event stream, as the HTML standard reads them. Silence that is too long ends it. */
export async function* readEvents(body, silence) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event = { name: "message", data: "", id: "" };
  for (;;) {
    const timer = window.setTimeout(() => silence.abort(), SILENCE_MS);
    const { done, value } = await reader.read().finally(() => window.clearTimeout(timer));
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (event.data) yield { ...event, data: JSON.parse(event.data) };
        event = { name: "message", data: "", id: "" };
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") event.name = text;
      else if (field === "data") event.data += (event.data ? "\n" : "") + text;
      else if (field === "id") event.id = text;
    }
  }
}

function sleep(ms, signal) {
  return new Promise((resolve) => {
    const timer = window.setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { window.clearTimeout(timer); resolve(); }, { once: true });
  });
}
