// A dialog of Teams (a task module): a card that one person fills in, modal to the whole page.
import { draw } from "./cards.js";
import { make } from "./dom.js";

let count = 0;

// `on.send(value)` sends what was filled in, `on.search` looks up choices, `on.tell` says what the
// bot had to say at the end. Returns `take(answer)`, which shows what the bot answered.
export function openDialog(person, on) {
  const number = ++count;
  const title = make("h2", { id: `dialog-${number}` }, "One moment \u2026");
  const sheet = make("div", { class: "sheet" });
  const told = make("p", { class: "told", role: "status" });
  const close = make("button", { type: "button", "aria-label": "Close", onclick: () => dialog.close() }, "\u00d7");
  const dialog = make(
    "dialog",
    { "aria-labelledby": `dialog-${number}`, onclose: () => dialog.remove() },
    make("header", {}, title, make("small", {}, `as ${person.name}`), close),
    sheet,
    told,
  );
  document.body.append(dialog);
  dialog.showModal();

  async function act(action) {
    if (action.type !== "Action.Submit") return;
    dialog.setAttribute("aria-busy", "true");
    take(await on.send(action.data));
  }

  function take({ trouble, body }) {
    dialog.removeAttribute("aria-busy");
    const task = body?.task;
    if (trouble) told.textContent = trouble;
    else if (task?.type === "continue") show(task.value);
    else {
      dialog.close();
      const said = task?.value ?? body?.value?.message ?? (typeof body?.value === "string" ? body.value : "");
      if (said) on.tell(said);
    }
  }

  function show(task) {
    told.textContent = "";
    title.textContent = task.title ?? "Connectors";
    sheet.replaceChildren(draw(task.card.content, { action: act, search: on.search }).element);
    sheet.scrollTop = 0;
    sheet.querySelector("input:not([type=hidden]), select, textarea, button")?.focus();
  }

  return { take };
}
