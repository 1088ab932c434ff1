// One message as one person sees it: their own view of its card, and what they have typed into it.
import { draw, held, withTyped } from "./cards.js";
import { clockTime, make } from "./dom.js";

export class Post {
  #card = null;
  #view = null;

  // `on.action` and `on.search` are told of what is done on the card, `on.inspect` shows it as JSON.
  constructor(post, author, on) {
    this.post = post;
    this.author = author;
    this.on = on;
    this.element = make("article", { class: "post" });
    this.element.dataset.id = post.id;
  }

  get payload() {
    return this.#view ?? this.post.card;
  }

  // Shows what the message is now: everybody's, until there is a view for this person again.
  update(post) {
    this.post = post;
    this.#view = null;
    this.draw();
  }

  // Shows a person's own view, unless the message was edited since that revision.
  take(view, revision, { isAnswer }) {
    if (this.post.revision !== revision || (this.#view && !isAnswer)) return;
    this.#view = view;
    this.draw(isAnswer);
  }

  // What an answer shows is already made from what was typed.
  draw(isAnswer = false) {
    const { post, element, payload } = this;
    const giveBack = held(element, this.#card);
    const parts = [this.#head()];
    if (post.text) parts.push(make("p", { class: "text" }, post.text));
    if (payload) {
      const drawn = draw(isAnswer ? payload : withTyped(payload, this.#card), this.on);
      this.#card = drawn.card;
      parts.push(make("div", { class: "card" }, drawn.element));
    }
    element.replaceChildren(...parts);
    if (giveBack && !giveBack(this.#card)) {
      element.tabIndex = -1;
      element.focus({ preventScroll: true });
    }
  }

  #head() {
    const { post, author } = this;
    const marks = [clockTime(new Date(post.at))];
    if (post.revision) marks.push("edited");
    if (post.only) marks.push("only you can see this");
    const head = make(
      "header", {},
      avatar(author),
      make("strong", {}, author.name),
      make("small", {}, marks.join(" \u00b7 ")),
    );
    if (post.card) {
      const show = () => this.on.inspect(this.payload);
      head.append(make("button", { type: "button", class: "json", "aria-label": "Card JSON", title: "Card JSON", onclick: show }, "{ }"));
    }
    return head;
  }
}

export function avatar(person) {
  const initials = person.name.split(" ").map((word) => word[0]).join("").slice(0, 2);
  const element = make("span", { class: "avatar", "aria-hidden": "true" }, initials);
  element.dataset.who = person.key;
  return element;
}
