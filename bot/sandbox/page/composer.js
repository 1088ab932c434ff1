// Where somebody writes: a field, its button, and the commands there are.
import { make } from "./dom.js";
import { offer } from "./menu.js";

// `say(text)` is told what was written.
export function composer(person, label, commands, say) {
  const field = make("textarea", { rows: 1, placeholder: `${label} \u2026`, "aria-label": `${label} as ${person.name}` });
  const form = make(
    "form",
    {
      class: "composer",
      onsubmit: (event) => {
        event.preventDefault();
        const said = field.value.trim();
        field.value = "";
        if (said) say(said);
      },
    },
    field,
    make("button", { "aria-label": `Send as ${person.name}` }, "Send"),
  );
  // Of two listeners the first one hears of a key first: the menu's Enter is not the field's.
  form.append(offer(field, commands));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  return form;
}
