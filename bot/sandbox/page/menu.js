// The commands that a / offers while somebody writes: a combobox and its listbox.
import { make } from "./dom.js";

const HIGHEST = 330; // pixels
let count = 0;

// Returns [{ title, isBegun }] for what is typed behind the /: a command is begun when its title
// goes on from there; it is found as well when each word begins one of its own.
function matching(text, commands) {
  const typed = text.toLowerCase().trimStart().replace(/\s+/g, " ");
  if (commands.some((each) => each.title === typed.trimEnd())) return [];
  const words = typed.split(" ").filter(Boolean);
  const isFound = ({ title }) => words.every((word) => title.split(" ").some((each) => each.startsWith(word)));
  const found = commands.map((each) => ({ ...each, isBegun: each.title.startsWith(typed) }));
  return found.filter((each) => each.isBegun || isFound(each)).sort((a, b) => b.isBegun - a.isBegun);
}

// Offers commands in a field; returns the list, to be put beside it.
export function offer(field, commands) {
  const id = `menu-${++count}`;
  const list = make("ul", { id, role: "listbox", class: "menu", "aria-label": "Commands", hidden: true });
  let found = [];
  let active = -1;
  let moved = null;

  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-haspopup", "listbox");
  field.setAttribute("aria-controls", id);

  function show(offered) {
    found = offered;
    list.hidden = !found.length;
    field.setAttribute("aria-expanded", String(!list.hidden));
    list.replaceChildren(...found.map((each, place) => make(
      "li",
      {
        id: `${id}-${place}`,
        role: "option",
        // The field keeps the focus.
        onmousedown: (event) => event.preventDefault(),
        onclick: () => pick(place),
      },
      make("strong", {}, `/${each.title}`), " ", make("span", {}, each.description),
    )));
    // Enter goes on with what was begun; anything else has to be chosen.
    point(found[0]?.isBegun ? 0 : -1);
    moved?.abort();
    if (found.length) settle();
  }

  function point(place) {
    active = place;
    for (const [each, option] of [...list.children].entries()) option.setAttribute("aria-selected", String(each === place));
    if (place < 0) field.removeAttribute("aria-activedescendant");
    else {
      field.setAttribute("aria-activedescendant", `${id}-${place}`);
      list.children[place].scrollIntoView({ block: "nearest" });
    }
  }

  // Above the field, or below where there is more room; no list that scrolls cuts it off.
  function settle() {
    const { left, width, top, bottom } = field.form.getBoundingClientRect();
    const below = innerHeight - bottom;
    const isAbove = top > Math.min(HIGHEST, below);
    Object.assign(list.style, {
      left: `${left}px`,
      width: `${width}px`,
      top: isAbove ? "auto" : `${bottom}px`,
      bottom: isAbove ? `${innerHeight - top}px` : "auto",
      maxHeight: `${Math.min(HIGHEST, isAbove ? top : below) - 8}px`,
    });
    moved = new AbortController();
    const { signal } = moved;
    addEventListener("resize", () => show([]), { signal });
    addEventListener("scroll", (event) => event.target !== list && show([]), { signal, capture: true });
  }

  function pick(place) {
    field.value = `/${found[place].title} `;
    show([]);
    field.focus();
  }

  function update() {
    const { value, selectionStart } = field;
    const isWriting = value.startsWith("/") && !value.includes("\n") && selectionStart === value.length;
    show(isWriting ? matching(value.slice(1), commands) : []);
  }

  function press(event) {
    if (list.hidden || event.isComposing) return;
    const last = found.length - 1;
    if (event.key === "ArrowDown") point(active < last ? active + 1 : 0);
    else if (event.key === "ArrowUp") point(active > 0 ? active - 1 : last);
    else if (event.key === "Escape") show([]);
    else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && active >= 0) pick(active);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  field.addEventListener("input", update);
  field.addEventListener("keydown", press);
  field.addEventListener("blur", () => show([]));
  show([]);
  return list;
}
