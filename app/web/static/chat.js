// The chat page: one question at a time, its answer as it comes, its sources below it.

import { AnswerView } from "./answer.js";
import { History } from "./history.js";
import { Problem, ask, request } from "./stream.js";
import { Uploads } from "./upload.js";

const base = document.documentElement.dataset.api;
const at = (id) => document.getElementById(id);
const [form, field, send, stop, log, welcome, fresh, status, count] = [
  "form", "question", "send", "stop", "log", "welcome", "new", "status", "count",
].map(at);

let conversation = null;
let running = null;
let answers = 0;

/** Put a question on the page and return its view; what waits for an answer is shown as such. */
function put(words, retry = null) {
  welcome.hidden = true;
  fresh.hidden = false;
  const view = new AnswerView(++answers, words, retry);
  log.append(view.asked, view.node);
  return view;
}

async function submit(query) {
  if (running || !query.trim()) return;
  const view = put(query.trim(), (again) => {
    if (running) return;
    again.waiting();
    field.focus();
    work(again, (signal) => answer(query, again, signal));
  });
  view.show();
  await work(view, (signal) => answer(query, view, signal));
}

/** Do one thing at a time: `task` gets the signal that stops it. */
async function work(view, task) {
  const controller = (running = new AbortController());
  busy(true);
  try {
    await task(controller.signal);
  } catch (error) {
    if (running === controller) failed(error, view);
  } finally {
    if (running === controller) {
      running = null;
      busy(false);
    }
  }
}

async function answer(query, view, signal) {
  const body = conversation ? { query, conversation_id: conversation } : { query };
  for await (const [name, data] of ask(`${base}/chat/`, body, signal)) {
    if (signal.aborted) return;
    const follow = atEnd();
    view.take(name, data);
    if (name === "final_answer" && data.persisted) conversation = data.conversation_id;
    if (follow) view.show();
  }
}

function failed(error, view) {
  if (error.name === "AbortError") return view.stopped();
  if (!(error instanceof Problem)) console.error(error);
  if (error.code === "not_found") conversation = null;
  view.failed(error);
  view.show();
}

/** Leave the conversation shown for a new, empty one. */
function begin(words = "New conversation") {
  running?.abort();
  running = conversation = null;
  busy(false);
  log.replaceChildren();
  welcome.hidden = false;
  fresh.hidden = true;
  status.textContent = words;
  field.focus();
}

/** Show a conversation that was kept, from its first message on. */
async function open(id) {
  const messages = [];
  let before = null;
  do {
    const page = await request(`${base}/conversations/${id}?limit=100${before ? `&before=${encodeURIComponent(before)}` : ""}`);
    messages.unshift(...page.messages);
    before = page.previous_cursor;
  } while (before && messages.length < 1000);
  begin("Conversation opened");
  conversation = id;
  let view = null;
  for (const message of messages) {
    if (message.role === "user") view = put(message.content);
    else (view ?? put("")).past(message);
    if (message.role !== "user") view = null;
  }
  view?.stopped();
  log.lastElementChild?.scrollIntoView({ block: "end" });
}

function busy(now) {
  send.hidden = now;
  stop.hidden = !now;
}

function atEnd() {
  const page = document.documentElement;
  return page.scrollHeight - page.scrollTop - page.clientHeight < 120;
}

function grow() {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 200)}px`;
  const left = field.maxLength - field.value.length;
  count.hidden = left > 200;
  count.textContent = `${left} characters left`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (running || !field.value.trim()) return;
  const query = field.value;
  field.value = "";
  grow();
  submit(query);
});
field.addEventListener("input", grow);
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
stop.addEventListener("click", () => {
  running?.abort();
  field.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) running?.abort();
});
fresh.addEventListener("click", () => begin());
for (const starter of document.querySelectorAll(".starter")) {
  starter.addEventListener("click", () => {
    submit(starter.textContent);
    field.focus();
  });
}
new History(base, { open, current: () => conversation, gone: () => begin("Conversation deleted") });
new Uploads(base, {
  free: () => !running,
  conversation: () => conversation,
  begin: (name) => put(`[file] ${name}`),
  work,
  kept: (id) => (conversation = id),
});
if (matchMedia("(pointer: fine)").matches) field.focus();
