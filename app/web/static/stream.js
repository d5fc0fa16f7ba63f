// Asks the service and yields its events: [name, data], one after the other.

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

export async function* ask(url, body, signal) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify(body),
    signal,
  }).catch((error) => {
    throw error.name === "AbortError" ? error : new Problem(LOST);
  });
  if (!response.ok) throw new Problem(await response.json().catch(() => LOST));
  yield* events(response.body);
}

async function* events(stream) {
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
  if (last !== "final_answer") throw new Problem(LOST);
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
