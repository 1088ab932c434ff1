// The traffic between Teams, the bot and Graph, newest first; each request opens as JSON.
import { make } from "./dom.js";
import { read } from "./wire.js";

const ROWS = 300;
const NAMES = { bot: "Teams \u2192 bot", connector: "bot \u2192 Teams", graph: "bot \u2192 Graph", identity: "bot \u2192 Entra" };
const at = (id) => document.getElementById(id);

export class Traffic {
  #rows = new Map();

  constructor() {
    at("whole-close").addEventListener("click", () => this.#close());
    at("part").addEventListener("change", (event) => { at("rows").dataset.part = event.target.value; });
  }

  show(line) {
    const known = this.#rows.get(line.id);
    const row = this.#row(line);
    if (known) known.replaceChildren(...row.childNodes);
    else {
      this.#rows.set(line.id, row);
      at("rows").prepend(row);
      if (this.#rows.size > ROWS) this.#drop();
    }
    (known ?? row).classList.toggle("bad", (line.status ?? 0) >= 400);
  }

  // Shows any JSON beside the channel.
  inspect(title, value) {
    this.opener = document.activeElement;
    at("whole-title").textContent = title;
    at("whole-text").textContent = JSON.stringify(value, null, 1);
    at("whole").hidden = false;
    at("whole-text").focus();
  }

  #row(line) {
    const open = async () => {
      const whole = await read(`/traffic/${encodeURIComponent(line.id)}`);
      this.inspect(`${line.method} ${line.path}`, whole ?? "It is forgotten by now.");
    };
    const row = make(
      "li", {},
      make(
        "button",
        { type: "button", onclick: open },
        make("span", { class: "way" }, NAMES[line.part] ?? line.part),
        make("code", {}, `${line.method} ${line.path}`),
        make("span", { class: "status" }, line.status === null ? "\u2026" : String(line.status)),
        make("span", { class: "about" }, line.about),
      ),
    );
    row.dataset.part = line.part;
    return row;
  }

  #drop() {
    const [id, row] = this.#rows.entries().next().value;
    this.#rows.delete(id);
    row.remove();
  }

  #close() {
    at("whole").hidden = true;
    this.opener?.focus?.();
  }
}
