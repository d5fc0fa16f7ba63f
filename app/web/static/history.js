// The conversations that were kept: listed, searched, opened, renamed, exported, deleted.

import { element } from "./render.js";
import { Problem, request } from "./stream.js";

const WAIT = 250;
const REALLY = 4000;

const at = (id) => document.getElementById(id);
const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export class History {
  /** `open(id)` shows a conversation, `current()` is the one shown, `gone()` is called when that one was deleted. */
  constructor(base, { open, current, gone }) {
    Object.assign(this, { base: `${base}/conversations`, open, current, gone, cursor: null, asked: 0 });
    [this.sheet, this.list, this.search, this.more, this.note] = ["history", "past", "find", "older", "history-note"].map(at);
    at("show-history").addEventListener("click", () => this.show());
    at("close-history").addEventListener("click", () => this.sheet.close());
    this.sheet.addEventListener("click", (event) => event.target === this.sheet && this.sheet.close());
    this.more.addEventListener("click", () => this.load());
    let waiting = 0;
    this.search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.load(true), WAIT);
    });
  }

  show() {
    this.search.value = "";
    this.list.replaceChildren();
    this.sheet.showModal();
    this.load(true);
  }

  async load(anew = false) {
    const asked = ++this.asked;
    const words = this.search.value.trim();
    const after = anew || !this.cursor ? "" : `&cursor=${encodeURIComponent(this.cursor)}`;
    const url = words ? `${this.base}/search?q=${encodeURIComponent(words)}&limit=30` : `${this.base}?limit=30${after}`;
    const page = await this.told(() => request(url));
    if (!page || asked !== this.asked) return;
    const rows = (words ? page.matches : page.conversations).map((each) => this.row(each));
    if (anew) this.list.replaceChildren(...rows);
    else this.list.append(...rows);
    this.cursor = page.next_cursor ?? null;
    this.more.hidden = !this.cursor;
    const none = words ? "No conversation holds these words." : "Nothing was asked yet.";
    this.note.textContent = this.list.children.length ? "" : none;
  }

  row(item) {
    const { id, title } = item;
    const name = element("span", { class: "past-title", textContent: title || "Untitled" });
    const time = element("time", { dateTime: item.updated_at, textContent: when.format(new Date(item.updated_at)) });
    const open = element("button", { type: "button", class: "past-open" }, name, time);
    if (item.snippet) open.append(element("span", { class: "snippet" }, ...marked(item.snippet, item.marks ?? [])));
    if (id === this.current()) open.setAttribute("aria-current", "true");
    const row = element("li", { class: "past" }, open);
    open.addEventListener("click", () => this.told(async () => {
      await this.open(id);
      this.sheet.close();
    }));
    row.append(element("div", { class: "past-tools" }, this.renaming(id, name), saving(this.base, id), this.deleting(id, row)));
    return row;
  }

  renaming(id, name) {
    const button = element("button", { type: "button", class: "tool", textContent: "Rename" });
    button.addEventListener("click", () => this.told(async () => {
      const title = prompt("A new name for this conversation", name.textContent)?.trim();
      if (title) name.textContent = (await request(`${this.base}/${id}`, "PATCH", { title })).title;
    }));
    return button;
  }

  deleting(id, row) {
    const button = element("button", { type: "button", class: "tool bad", textContent: "Delete" });
    let sure = false;
    button.addEventListener("click", () => {
      if (!sure) {
        sure = true;
        button.textContent = "Really delete?";
        setTimeout(() => Object.assign(button, { textContent: "Delete" }, (sure = false)), REALLY);
        return;
      }
      this.told(async () => {
        await request(`${this.base}/${id}`, "DELETE");
        row.remove();
        if (id === this.current()) this.gone();
      });
    });
    return button;
  }

  /** Do something; where it fails, say so in the sheet. */
  async told(task) {
    try {
      this.note.textContent = "";
      return await task();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.note.textContent = `${error.message}. ${error.detail}`;
      return null;
    }
  }
}

function saving(base, id) {
  return element("a", { class: "tool", href: `${base}/${id}/export?format=md`, download: "", textContent: "Export" });
}

/** Return a snippet's characters with the words that were found marked; `marks` count characters, not code units. */
function marked(snippet, marks) {
  const characters = [...snippet];
  const nodes = [];
  let done = 0;
  for (const { start, end } of marks) {
    nodes.push(characters.slice(done, start).join(""), element("mark", { textContent: characters.slice(start, end).join("") }));
    done = end;
  }
  return [...nodes, characters.slice(done).join("")];
}
