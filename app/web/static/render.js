// Turns an answer's light Markdown into DOM nodes. Text only ever becomes text nodes: nothing is parsed as HTML,
// nothing is loaded, and the only links made lead to the sources below the answer.

const NUMBERED = /^\s{0,3}(\d{1,3})[.)]\s+(.*)$/;
const BULLET = /^\s{0,3}[-*]\s+(.*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;
const INLINE = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|\[(\d{1,2})\]/g;

export function element(tag, properties = {}, ...children) {
  const { class: className, data = {}, aria = {}, ...rest } = properties;
  const node = Object.assign(document.createElement(tag), rest);
  if (className) node.className = className;
  Object.assign(node.dataset, data);
  for (const [name, value] of Object.entries(aria)) node.setAttribute(`aria-${name}`, value);
  node.append(...children);
  return node;
}

/** Return a fragment for `text`; `anchor(number)` is the id of a source, or null where there is none (yet). */
export function answerText(text, anchor) {
  const fragment = document.createDocumentFragment();
  let list = null;
  let paragraph = null;
  for (const line of text.split("\n")) {
    const numbered = NUMBERED.exec(line);
    const item = numbered ?? BULLET.exec(line);
    if (item) {
      const tag = numbered ? "OL" : "UL";
      if (list?.tagName !== tag) fragment.append((list = element(tag)));
      const entry = element("li", {}, ...inline(item.at(-1), anchor));
      if (numbered) entry.value = Number(numbered[1]);
      list.append(entry);
      paragraph = null;
    } else if (!line.trim()) {
      paragraph = null;
    } else {
      list = null;
      const heading = HEADING.exec(line);
      if (heading) fragment.append(element("p", { class: "heading" }, ...inline(heading[1], anchor)));
      else if (paragraph) paragraph.append(element("br"), ...inline(line, anchor));
      else fragment.append((paragraph = element("p", {}, ...inline(line, anchor))));
      if (heading) paragraph = null;
    }
  }
  return fragment;
}

function inline(text, anchor) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > at) nodes.push(text.slice(at, match.index));
    nodes.push(marked(match, anchor));
    at = match.index + match[0].length;
  }
  if (at < text.length) nodes.push(text.slice(at));
  return nodes;
}

function marked([whole, code, strong, number], anchor) {
  if (code !== undefined) return element("code", { textContent: code });
  if (strong !== undefined) return element("strong", { textContent: strong });
  const id = anchor(Number(number));
  if (!id) return whole;
  return element("a", { class: "mark", href: `#${id}`, textContent: number, aria: { label: `Source ${number}` } });
}

/** Return the list of sources an answer cites. */
export function sources(citations, results, anchor) {
  const scores = new Map(results.map((result) => [result.metadata.document_id, result]));
  const entries = citations.map((citation) => {
    const found = scores.get(citation.document_id);
    return element(
      "li",
      { id: anchor(citation.number), class: "source", tabIndex: -1 },
      element("span", { class: "mark", textContent: citation.number, aria: { hidden: "true" } }),
      element(
        "div",
        {},
        element("p", { class: "source-title", textContent: citation.title }),
        element("p", { class: "quote", textContent: plain(citation.quote) }),
        ...(found ? [facts(found)] : []),
      ),
    );
  });
  return element("ol", { class: "sources" }, ...entries);
}

/** Return what was found and not cited, folded away. */
export function others(results, summary) {
  const rows = results.map((result) =>
    element("li", {}, element("p", { class: "source-title", textContent: result.subject }), facts(result)),
  );
  const list = element("ul", { class: "sources plain" }, ...rows);
  return element("details", { class: "others" }, element("summary", { textContent: summary }), list);
}

function facts(result) {
  const percent = Math.round(result.score * 100);
  const meter = element("meter", { min: 0, max: 1, value: result.score, aria: { label: "Match" } });
  const words = [result.metadata.kind, result.metadata.category, ...(result.metadata.platform ?? [])].filter(Boolean);
  const score = element("span", { class: "score" }, meter, `${percent} % match`);
  return element("p", { class: "facts" }, score, ...words.map((word) => element("span", { class: "tag", textContent: word })));
}

function plain(text) {
  return text.replace(/\*\*|`/g, "");
}
