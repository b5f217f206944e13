// What the scripts beside this one share: the service's own interface as a person, and steps that must come about.

const { URL: apiUrl, REP } = process.env;

export const DEAL = "Acme Industries - Fabrication Line Renewal";

export function demand(isSo, what) {
  if (!isSo) throw new Error(what);
  console.log(`  ok  ${what}`);
}

export async function call(key, method, path, body) {
  const headers = { "x-api-key": key, "content-type": "application/json" };
  const answer = await fetch(apiUrl + path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

export const deal = () => call(REP, "GET", `/records/Opportunity?name=${encodeURIComponent(DEAL)}`);
