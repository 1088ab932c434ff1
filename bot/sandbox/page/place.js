// A conversation as one person sees it, behind a tab: the channel with its threads, or a chat.
import { make } from "./dom.js";

const NEAR = 80; // pixels
let count = 0;

export class Place {
  #threads = new Map(); // root id -> { element, root, replies }
  #new = 0;

  // `onReply(root, button)` is asked for a field to reply in; without it there are no threads.
  constructor({ title, label, composer, onReply = null }) {
    const number = ++count;
    this.title = title;
    this.onReply = onReply;
    this.composer = composer;
    this.list = make("div", { class: "list", role: "log", "aria-label": label, tabIndex: 0 });
    this.element = make(
      "div",
      { id: `place-${number}`, class: "place", role: "tabpanel", "aria-labelledby": `tab-${number}` },
      this.list,
      composer,
    );
    this.tab = make("button", { type: "button", id: `tab-${number}`, role: "tab", "aria-controls": `place-${number}` }, title);
  }

  get isOpen() {
    return !this.element.hidden;
  }

  get isAtEnd() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR;
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
  }

  open(isOpen) {
    this.element.hidden = !isOpen;
    this.tab.setAttribute("aria-selected", String(isOpen));
    this.tab.tabIndex = isOpen ? 0 : -1;
    if (isOpen && this.#new) {
      this.toEnd();
      this.#count(0);
    }
  }

  // Something came while nobody looked.
  mark() {
    this.#count(this.#new + 1);
  }

  add({ post, element }) {
    const thread = this.#threads.get(post.root) ?? this.#start(post);
    (post.id === post.root ? thread.root : thread.replies).append(element);
  }

  #count(number) {
    this.#new = number;
    const badge = make("span", { class: "count" }, String(number), make("span", { class: "unseen" }, " new"));
    this.tab.replaceChildren(this.title, ...(number ? [" ", badge] : []));
  }

  #start({ root, only }) {
    const parts = { root: make("div", {}), replies: make("div", { class: "replies" }) };
    parts.element = make("div", { class: "thread" }, parts.root, parts.replies);
    // What one person alone sees has no thread: a reply to it would be everybody's.
    if (this.onReply && !only) {
      const reply = make("button", { type: "button", class: "reply", onclick: () => this.onReply(root, reply) }, "Reply");
      parts.element.append(reply);
    }
    const later = [...this.#threads.entries()].filter(([id]) => Number(id) > Number(root));
    const next = later.sort(([a], [b]) => Number(a) - Number(b))[0]?.[1].element ?? null;
    this.list.insertBefore(parts.element, next);
    this.#threads.set(root, parts);
    return parts;
  }
}
