// One question and its answer on the page: as it comes, as it was, or as it failed.

import { cautions } from "./cautions.js";
import { answerText, element, others, sources } from "./render.js";
import { Problem } from "./stream.js";

const status = document.getElementById("status");

const OUTCOMES = {
  answered: ["good", "Answered"],
  partial: ["fair", "Partly answered"],
  conflicting: ["fair", "The sources disagree"],
  no_context: ["none", "No evidence found"],
  escalate: ["fair", "This needs a person"],
  blocked: ["bad", "Not answered"],
  cancelled: ["none", "Stopped"],
};

export class AnswerView {
  /** `retry` is called when the question is to be asked again; without it, it cannot be. */
  constructor(number, query, retry = null) {
    this.number = number;
    this.query = query;
    this.retry = retry;
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
    if (!this.retry) return "";
    return element("button", { type: "button", class: "quiet", textContent: words, onclick: () => this.retry(this) });
  }

  /** Show a message of a conversation as it was kept. */
  past(message) {
    const outcome = message.outcome ?? "answered";
    this.finish({ outcome, response: message.content, citations: message.citations ?? [], search_results: [], persisted: true });
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
