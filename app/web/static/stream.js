// Talks to the service: single requests, and answers as events, [name, data], one after the other.

import { login } from "./login.js";

/** A refusal or a failure, as the service described it. */
export class Problem extends Error {
  constructor({ title, detail, code, request_id: requestId, errors = [] }) {
    super(title);
    this.detail = errors.length ? errors.map((each) => `${each.field} ${each.message}.`).join(" ") : detail;
    this.code = code;
    this.requestId = requestId;
  }
}

const LOST = { title: "No connection", detail: "The service could not be reached, or the connection broke.", code: "lost" };

async function reply(url, options, again = true) {
  const response = await fetch(url, options).catch((error) => {
    throw error.name === "AbortError" ? error : new Problem(LOST);
  });
  if (response.status === 401 && again && (await login(document.documentElement.dataset.api))) return reply(url, options, false);
  if (!response.ok) throw new Problem(await response.json().catch(() => LOST));
  return response;
}

/** Return what the service answers as JSON; null where it answers with nothing. */
export async function request(url, method = "GET", body = undefined) {
  const headers = { Accept: "application/json", ...(body ? { "Content-Type": "application/json" } : {}) };
  const response = await reply(url, { method, headers, body: body && JSON.stringify(body) });
  return response.status === 204 ? null : response.json();
}

export async function* ask(url, body, signal) {
  const headers = { "Content-Type": "application/json", Accept: "text/event-stream" };
  const response = await reply(url, { method: "POST", headers, body: JSON.stringify(body), signal });
  yield* events(response.body, "final_answer");
}

/** Send a form with a file and yield what the service tells of its work; `end` names the last event. */
export async function* send(url, form, end, signal) {
  const response = await reply(url, { method: "POST", headers: { Accept: "text/event-stream" }, body: form, signal });
  yield* events(response.body, end);
}

async function* events(stream, end) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let last = "";
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw error.name === "AbortError" ? error : new Problem(LOST);
    });
    if (done) break;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const [name, data] = parse(block);
      last = name;
      if (name === "error") throw new Problem(data);
      if (name !== "ping") yield [name, data];
    }
  }
  if (last !== end) throw new Problem(LOST);
}

function parse(block) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  return [name, JSON.parse(data.join("\n") || "{}")];
}
