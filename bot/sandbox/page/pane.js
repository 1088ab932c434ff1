// What one person sees of the channel and of their chat with the bot, and what they do there.
import { composer } from "./composer.js";
import { openDialog } from "./dialog.js";
import { make } from "./dom.js";
import { Place } from "./place.js";
import { Post, avatar } from "./post.js";
import { send } from "./wire.js";

const BOT = { name: "Connectors", key: "bot" };
const CARD = "application/vnd.microsoft.card.adaptive";
const NOTICE_MS = 12_000;

export class Pane {
  #posts = new Map(); // id -> { shown: Post, place }
  #isReady = false;
  #hide = 0;
  #told = null; // the message that the notice is about

  // `room.people` are all, `room.commands(scope)` what the / menu has where, and
  // `room.inspect(title, value)` shows JSON.
  constructor(person, room) {
    this.person = person;
    this.room = room;
    this.notice = make("div", { class: "notice", role: "status" });
    this.whisper = make("input", { type: "checkbox" });
    this.channel = this.#makeChannel();
    this.chat = new Place({
      title: "Chat with Connectors",
      label: `Chat of ${person.name} with Connectors`,
      composer: composer(person, "Write to Connectors", room.commands("personal"), (text) => this.#write({ text, is_chat: true })),
    });
    this.element = make(
      "section",
      { class: "pane", "aria-label": `${person.name}, ${person.role}` },
      make("header", {}, avatar(person), make("h2", {}, person.name, " ", make("small", {}, person.role))),
      this.#makeTabs(),
      this.channel.element,
      this.chat.element,
    );
    this.element.dataset.who = person.key;
    this.go(this.channel);
  }

  // Everything that was there has been shown: from now on what comes is news.
  ready() {
    this.#isReady = true;
  }

  go(place) {
    for (const each of [this.channel, this.chat]) each.open(each === place);
    place.composer.before(this.notice);
    if (place === this.chat) this.#send("/join", {});
  }

  show(post) {
    if (post.only && post.only !== this.person.mri) return;
    if (post.chat && post.chat !== this.person.mri) return;
    const known = this.#posts.get(post.id);
    if (post.deleted) {
      known?.shown.element.remove();
      return;
    }
    const place = post.chat ? this.chat : this.channel;
    const { isAtEnd } = place;
    const { shown } = known ?? this.#add(post, place);
    shown.update(post);
    if (!known && this.#isReady && !post.from) this.#announce(shown, place);
    if (known && this.#told === shown) this.notice.firstChild.textContent = summary(post);
    if (isAtEnd || (!known && post.from === this.person.mri)) place.toEnd();
    this.#refresh(shown);
  }

  redraw() {
    for (const { shown } of this.#posts.values()) shown.draw();
  }

  // Writes in the channel: in a thread, or anew.
  async write(text, root = null) {
    await this.#write({ text, ...(root ? { root } : { is_private: this.whisper.checked }) });
  }

  // Presses an action on a card of the bot as this person; what Teams would do with the answer.
  async press(id, action) {
    const shown = this.#posts.get(id)?.shown;
    const revision = shown?.post.revision;
    shown?.element.setAttribute("aria-busy", "true");
    const answer = await send("/press", { who: this.person.key, message: id, action });
    shown?.element.removeAttribute("aria-busy");
    this.#take(shown, revision, answer);
    return answer;
  }

  async submit(id, value) {
    return this.#send("/submit", { message: id, value });
  }

  // Opens a dialog from a card: what stands in it is between this person and the bot.
  async open(id, data) {
    const who = this.person.key;
    const dialog = openDialog(this.person, {
      send: (value) => send("/send", { who, message: id, value }),
      search: (dataset, text) => this.#search(id, dataset, text),
      tell: (text) => this.tell(text),
    });
    dialog.take(await send("/open", { who, message: id, value: data }));
  }

  // Says something in passing; `onGo` leads to what it is about.
  tell(text, onGo = null) {
    clearTimeout(this.#hide);
    this.#told = null;
    const place = this.channel.isOpen ? this.channel : this.chat;
    const { isAtEnd } = place;
    const words = onGo
      ? make("button", { type: "button", class: "words", onclick: onGo }, text)
      : make("span", { class: "words" }, text);
    const hide = () => {
      this.#told = null;
      this.notice.replaceChildren();
    };
    this.notice.replaceChildren(words, make("button", { type: "button", "aria-label": "Dismiss", onclick: hide }, "\u00d7"));
    if (isAtEnd) place.toEnd();
    this.#hide = setTimeout(hide, NOTICE_MS);
  }

  async #write(wish) {
    await this.#send("/write", wish);
  }

  async #send(path, wish) {
    const answer = await send(path, { who: this.person.key, ...wish });
    if (answer.trouble) this.tell(answer.trouble);
    return answer;
  }

  #take(shown, revision, answer) {
    if (answer.trouble) return this.tell(answer.trouble);
    const { type, value } = answer.body ?? {};
    // An edit that came meanwhile is newer than this answer.
    if (type === CARD && shown) return shown.take(value, revision, { isAnswer: true });
    const said = typeof value === "string" ? value : value?.message;
    return said ? this.tell(said) : undefined;
  }

  async #refresh(shown) {
    const { card, revision, id } = shown.post;
    if (!card?.refresh?.userIds?.includes(this.person.mri)) return;
    const { verb, data } = card.refresh.action;
    const wish = { who: this.person.key, message: id, action: { verb, data }, is_refresh: true };
    const { body } = await send("/press", wish);
    if (body?.type === CARD) shown.take(body.value, revision, { isAnswer: false });
  }

  #announce(shown, place) {
    if (!place.isOpen) place.mark();
    this.tell(summary(shown.post), () => {
      this.go(place);
      shown.element.scrollIntoView({ block: "center" });
    });
    this.#told = shown;
  }

  #add(post, place) {
    const shown = new Post(post, this.room.people.find((each) => each.mri === post.from) ?? BOT, {
      action: (action) => this.#act(post.id, action),
      search: (dataset, text) => this.#search(post.id, dataset, text),
      inspect: (payload) => this.room.inspect(`Card JSON, as ${this.person.name} sees it`, payload),
    });
    place.add(shown);
    this.#posts.set(post.id, { shown, place });
    return { shown };
  }

  #makeChannel() {
    const form = composer(this.person, "Write to @Connectors", this.room.commands("team"), (text) => this.write(text));
    form.append(make("label", { class: "private" }, this.whisper, " only the bot and I see it"));
    return new Place({
      title: "Channel",
      label: `Channel, as ${this.person.name} sees it`,
      composer: form,
      onReply: (root, button) => this.#reply(root, button),
    });
  }

  #makeTabs() {
    const places = [this.channel, this.chat];
    const tabs = make("div", { class: "tabs", role: "tablist", "aria-label": `Where ${this.person.name} is` }, ...places.map((each) => each.tab));
    for (const each of places) each.tab.addEventListener("click", () => this.go(each));
    tabs.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = this.channel.isOpen ? this.chat : this.channel;
      this.go(other);
      other.tab.focus();
    });
    return tabs;
  }

  #reply(root, button) {
    const leave = () => {
      form.replaceWith(button);
      button.focus();
    };
    const form = composer(this.person, "Reply to @Connectors", this.room.commands("team"), async (text) => {
      leave();
      await this.write(text, root);
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") leave();
    });
    button.replaceWith(form);
    form.querySelector("textarea").focus();
  }

  async #search(message, dataset, text) {
    const { body } = await send("/search", { who: this.person.key, message, dataset, text });
    return body?.value?.results;
  }

  #act(id, action) {
    if (action.type === "Action.Execute") return this.press(id, { verb: action.verb, data: action.data });
    if (action.data?.msteams?.type === "task/fetch") return this.open(id, action.data);
    if (action.type === "Action.Submit") return this.submit(id, action.data);
    return this.tell(`Teams would open ${action.url ?? action.title}`);
  }
}

function summary(post) {
  return `Connectors: ${post.summary || post.text || "new message"}`;
}
