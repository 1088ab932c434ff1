// Adaptive Cards through Microsoft's own renderer, as Teams lets them be.
import { HOSTS } from "./hosts.js";

const { AdaptiveCards: AC, markdownit } = globalThis;

// Teams reads bold, italic, lists and links into a text, and nothing else.
const markdown = markdownit("zero").enable(["emphasis", "escape", "entity", "link", "list", "newline"]);
AC.AdaptiveCard.onProcessMarkdown = (text, result) => {
  result.outputHtml = markdown.render(text);
  result.didProcess = true;
};

export function theme() {
  return document.documentElement.dataset.theme;
}

// Draws a card. `on.action(action)` is told of a press once the card's own rules are kept;
// `on.search(dataset, text)` returns the choices for what is typed into a field that has them
// looked up by the bot.
export function draw(payload, on) {
  const card = new AC.AdaptiveCard();
  card.hostConfig = new AC.HostConfig(HOSTS[theme()]);
  // Choices that the bot looks up came after 1.5, and Teams has them all the same.
  card.parse(payload, new AC.SerializationContext(AC.Versions.v1_6));
  card.onExecuteAction = (action) => on.action(pressed(action), card);
  card.onInputValueChanged = (input) => lookUp(input, on);
  card.onAnchorClicked = (_element, anchor) => {
    on.action({ type: "Action.OpenUrl", url: anchor.href }, card);
    return true;
  };
  const element = card.render();
  // The renderer names a card by its `speak`; without one it is a group without a name.
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", payload.speak ?? payload.fallbackText ?? "Card");
  for (const input of card.getAllInputs()) complete(input);
  return { card, element };
}

function pressed(action) {
  const type = action.getJsonTypeName();
  const { title } = action;
  if (type === "Action.Execute") return { type, title, verb: action.verb, data: action.data ?? {} };
  if (type === "Action.Submit") return { type, title, data: action.data ?? {} };
  return { type, title, url: action.url };
}

async function lookUp(input, on) {
  if (!(input instanceof AC.ChoiceSetInput && input.isDynamicTypeahead())) return;
  const text = input.getFilterForDynamicSearch();
  if (!text || !on.search) return;
  const found = await on.search(input.choicesData.dataset, text);
  if (!found) {
    input.showErrorIndicator(text, "Nothing could be looked up.");
    return;
  }
  // Of what was found the renderer would send the title; of its own choices it sends the value.
  const known = new Set(input.choices.map((choice) => choice.value));
  input.choices.push(...found.filter((each) => !known.has(each.value)).map((each) => new AC.Choice(each.title, each.value)));
  input.renderChoices(text, []);
}

// The renderer gives a field whose choices are looked up neither its label nor its choice's title.
function complete(input) {
  const holder = input.renderedInputControlElement;
  const field = holder?.querySelector?.(".ac-choiceSetInput-filtered-textbox");
  if (!field) return;
  field.setAttribute("aria-labelledby", holder.getAttribute("aria-labelledby"));
  holder.removeAttribute("aria-labelledby");
  field.autocomplete = "off";
  const chosen = input.choices.find((choice) => choice.value === field.value);
  if (chosen) field.value = chosen.title;
}

// Returns the payload with what was typed into fields of the same id in the card before.
export function withTyped(payload, card) {
  const typed = new Map(
    (card?.getAllInputs() ?? [])
      .filter((input) => input.isVisible && input.isSet())
      .map((each) => [each.id, each.value]),
  );
  if (!typed.size) return payload;
  return JSON.parse(JSON.stringify(payload), (_key, each) =>
    typeof each?.type === "string" && each.type.startsWith("Input.") && typed.has(each.id)
      ? { ...each, value: String(typed.get(each.id)) }
      : each,
  );
}

// Notes what has the focus inside of `element`. Returns null, or a function that gives the focus to
// the same field or button of the card drawn in its place, and tells whether there was one.
export function held(element, card) {
  const active = document.activeElement;
  if (active === element || !element.contains(active)) return null;
  const field = card?.getAllInputs().find((each) => each.renderedElement?.contains(active));
  const named = (each) => each.getAttribute("aria-label") ?? each.textContent;
  const [name, start, end] = [named(active), active.selectionStart, active.selectionEnd];
  const alike = () => [...element.querySelectorAll("button")].filter((each) => named(each) === name);
  const place = alike().indexOf(active);
  return (drawn) => {
    if (field) drawn?.getElementById(field.id)?.focus();
    else alike()[place]?.focus({ preventScroll: true });
    const now = document.activeElement;
    if (!element.contains(now)) return false;
    if (field && start != null && "setSelectionRange" in now) now.setSelectionRange(start, end);
    return true;
  };
}
