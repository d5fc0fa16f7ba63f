// Files: chosen or dropped, sent, and what was found in them.

import { element, sources } from "./render.js";
import { Problem, request, send } from "./stream.js";

const MOST = 5;
const TONES = { fatal: "bad", error: "bad", warning: "fair" };

export class Uploads {
  /** `begin(name)` returns the view an analysis is shown in, `work(view, task)` does one thing at a time. */
  constructor(base, { free, conversation, begin, work, kept }) {
    Object.assign(this, { base, free, conversation, begin, work, kept, limits: null });
    const [button, input] = ["attach", "file"].map((id) => document.getElementById(id));
    button.addEventListener("click", () => this.free() && input.click());
    input.addEventListener("change", () => {
      const [file] = input.files;
      input.value = "";
      if (file) this.take(file);
    });
    document.addEventListener("dragover", (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
    document.addEventListener("drop", (event) => {
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      event.preventDefault();
      this.take(file);
    });
    request(`${base}/config`).then((config) => this.allow(input, button, config), () => {});
  }

  allow(input, button, config) {
    const { extensions: endings = [], max_size_mb: most } = config.files ?? {};
    this.limits = { endings, most };
    input.accept = endings.map((each) => `.${each}`).join(",");
    button.title = `Add a file: ${endings.join(", ")}; ${most} MB at most`;
  }

  take(file) {
    if (!this.free()) return;
    const view = this.begin(file.name);
    view.say("busy", "Sending the file");
    view.show();
    this.work(view, (signal) => this.analyse(file, view, signal));
  }

  async analyse(file, view, signal) {
    const most = this.limits?.most;
    if (most && file.size > most * 1024 * 1024) {
      throw new Problem({ title: "Too large", detail: `A file may have ${most} MB at most.`, code: "too_large" });
    }
    const form = new FormData();
    form.append("file", file);
    if (this.conversation()) form.append("conversation_id", this.conversation());
    for await (const [name, data] of send(`${this.base}/files`, form, "analysis", signal)) {
      if (name === "progress") view.say("busy", `Reading the file: ${data.percent} %`);
      if (name !== "analysis") continue;
      if (data.persisted) this.kept(data.conversation_id);
      const citations = data.knowledge[0]?.citations ?? [];
      view.finish({ outcome: data.outcome, response: data.response, citations, search_results: [], persisted: data.persisted });
      view.say(data.outcome === "partial" ? "fair" : "good", data.outcome === "partial" ? "Partly analysed" : "Analysed");
      view.below.prepend(...found(data));
      view.show();
    }
  }
}

function found(analysis) {
  const bad = analysis.groups.filter((each) => each.severity in TONES).slice(0, MOST);
  const parts = [];
  if (bad.length) {
    parts.push(element("h3", { textContent: "Found in the file" }), element("ul", { class: "findings" }, ...bad.map(group)));
  }
  for (const known of analysis.knowledge.slice(1).filter((each) => each.citations.length)) {
    parts.push(element("h3", { textContent: `Line ${known.line}: ${known.about}` }), sources(known.citations, [], () => ""));
  }
  return parts;
}

function group(each) {
  const where = each.lines.slice(0, 3).join(", ") + (each.count > 3 ? " …" : "");
  const words = `${each.severity}, ${each.count === 1 ? "once" : `${each.count} times`}, line ${where}`;
  const title = element("p", { textContent: words });
  return element("li", { class: "finding", data: { tone: TONES[each.severity] } }, title, element("pre", { textContent: each.excerpt || each.template }));
}
