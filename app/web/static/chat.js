// The chat page: one question at a time, its answer as it comes, its sources below it.

import { cautions } from "./cautions.js";
import { answerText, element, others, sources } from "./render.js";
import { Problem, ask } from "./stream.js";

const api = `${document.documentElement.dataset.api}/chat/`;
const at = (id) => document.getElementById(id);
const [form, field, send, stop, log, welcome, fresh, status, count] = [
  "form", "question", "send", "stop", "log", "welcome", "new", "status", "count",
].map(at);

const OUTCOMES = {
  answered: ["good", "Answered"],
  partial: ["fair", "Partly answered"],
  conflicting: ["fair", "The sources disagree"],
  no_context: ["none", "No evidence found"],
  escalate: ["fair", "This needs a person"],
  blocked: ["bad", "Not answered"],
};

let conversation = null;
let running = null;
let answers = 0;

async function submit(query) {
  if (running || !query.trim()) return;
  welcome.hidden = true;
  fresh.hidden = false;
  const view = new AnswerView(++answers, query.trim());
  log.append(view.asked, view.node);
  view.show();
  await run(query, view);
}

async function run(query, view) {
  const controller = (running = new AbortController());
  busy(true);
  try {
    const body = conversation ? { query, conversation_id: conversation } : { query };
    for await (const [name, data] of ask(api, body, controller.signal)) {
      if (running !== controller) return;
      const follow = atEnd();
      view.take(name, data);
      if (name === "final_answer" && data.persisted) conversation = data.conversation_id;
      if (follow) view.show();
    }
  } catch (error) {
    if (running === controller) failed(error, view);
  } finally {
    if (running === controller) {
      running = null;
      busy(false);
    }
  }
}

function failed(error, view) {
  if (error.name === "AbortError") return view.stopped();
  if (!(error instanceof Problem)) console.error(error);
  if (error.code === "not_found") conversation = null;
  view.failed(error);
  view.show();
}

class AnswerView {
  constructor(number, query) {
    this.number = number;
    this.query = query;
    this.asked = element("article", { class: "asked", aria: { label: "You" }, textContent: query });
    this.node = element("article", { class: "answer", aria: { label: "Answer" } });
    this.waiting();
  }

  // The end of the answer, unless the question would leave the window: people read from the top.
  show() {
    this.node.scrollIntoView({ block: "end" });
    this.asked.scrollIntoView({ block: "nearest" });
  }

  waiting() {
    this.text = "";
    this.results = [];
    this.cited = [];
    this.state = element("p", { class: "state", data: { tone: "busy" }, textContent: "Looking for evidence" });
    this.body = element("div", { class: "text" });
    this.below = element("div", { class: "below" });
    this.node.replaceChildren(this.state, this.body, this.below);
    this.node.setAttribute("aria-busy", "true");
    status.textContent = "Looking for evidence";
  }

  anchor = (number) => (this.cited.some((each) => each.number === number) ? `source-${this.number}-${number}` : null);

  take(name, data) {
    if (name === "search_results") {
      this.results = data.search_results;
      this.say("busy", this.results.length ? `Reading ${many(this.results.length, "document")}` : "Looking for evidence");
    } else if (name === "message") {
      this.text += data.delta;
    } else if (name === "citation") {
      this.cited.push(data);
    } else if (name === "final_answer") {
      return this.finish(data);
    }
    this.body.replaceChildren(answerText(this.text, this.anchor));
  }

  finish(answer) {
    this.cited = answer.citations;
    const [tone, words] = OUTCOMES[answer.outcome] ?? ["none", answer.outcome];
    const from = this.cited.length ? ` from ${many(this.cited.length, "source")}` : "";
    this.say(tone, words + from);
    this.body.replaceChildren(answerText(answer.response, this.anchor));
    const used = new Set(this.cited.map((each) => each.document_id));
    const rest = answer.search_results.filter((each) => !used.has(each.metadata.document_id));
    const best = answer.search_results[0];
    const told = best && used.has(best.metadata.document_id) ? cautions(best, answer.language) : [];
    this.below.replaceChildren(...told.map((words) => element("p", { class: "caution", textContent: words })));
    if (this.cited.length) {
      this.below.append(element("h3", { textContent: "Sources" }), sources(this.cited, answer.search_results, this.anchor));
    }
    if (rest.length) this.below.append(others(rest, used.size ? "Also found" : "The nearest documents"));
    if (!answer.persisted) this.below.append(element("p", { class: "note", textContent: "This answer was not stored." }));
    this.done([`${words}${from}.`, ...told, this.body.textContent].join(" "));
  }

  stopped() {
    this.say("none", "Stopped");
    this.below.replaceChildren(this.again("Ask again"));
    this.done("Stopped");
  }

  failed(error) {
    this.say("bad", error instanceof Problem ? error.message : "Something went wrong");
    const detail = error.detail ?? "The page could not show the answer.";
    const id = error.requestId ? [element("p", { class: "note" }, "Request ", element("code", { textContent: error.requestId }))] : [];
    this.below.replaceChildren(element("p", { textContent: detail }), this.again("Try again"), ...id);
    this.done(`${this.state.textContent}. ${detail}`);
  }

  again(words) {
    const retry = () => {
      if (running) return;
      this.waiting();
      field.focus();
      run(this.query, this);
    };
    return element("button", { type: "button", class: "quiet", textContent: words, onclick: retry });
  }

  say(tone, words) {
    this.state.dataset.tone = tone;
    this.state.textContent = words;
    this.node.dataset.tone = tone;
  }

  done(announcement) {
    this.node.removeAttribute("aria-busy");
    status.textContent = announcement;
  }
}

function many(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
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
  if (event.key === "Escape") running?.abort();
});
fresh.addEventListener("click", () => {
  running?.abort();
  running = conversation = null;
  busy(false);
  log.replaceChildren();
  welcome.hidden = false;
  fresh.hidden = true;
  status.textContent = "New conversation";
  field.focus();
});
for (const starter of document.querySelectorAll(".starter")) {
  starter.addEventListener("click", () => {
    submit(starter.textContent);
    field.focus();
  });
}
if (matchMedia("(pointer: fine)").matches) field.focus();
