// Puts the page together: one pane for each person, Graph and the traffic beside them.
import { make } from "./dom.js";
import { GraphPanel } from "./graph.js";
import { Pane } from "./pane.js";
import { Traffic } from "./traffic.js";
import { listen, read } from "./wire.js";

const [people, lists] = await Promise.all([read("/people"), read("/commands")]);
const graph = new GraphPanel();
const traffic = new Traffic();
const room = {
  people,
  commands: (scope) => lists.find((each) => each.scopes.includes(scope))?.commands ?? [],
  inspect: (title, value) => {
    if (side.hidden) sides.click();
    traffic.inspect(title, value);
  },
};
const panes = new Map(people.map((person) => [person.key, new Pane(person, room)]));

for (const [key, pane] of panes) {
  document.getElementById("panes").append(pane.element);
  const toggle = make("button", { type: "button", "aria-pressed": "true", onclick: () => {
    pane.element.hidden = !pane.element.hidden;
    toggle.setAttribute("aria-pressed", String(!pane.element.hidden));
  } }, key);
  document.getElementById("people").append(toggle);
}

const side = document.getElementById("side");
const sides = document.getElementById("side-toggle");
sides.addEventListener("click", () => {
  side.hidden = !side.hidden;
  sides.setAttribute("aria-pressed", String(!side.hidden));
});

const themes = document.getElementById("theme");
function paint(theme) {
  document.documentElement.dataset.theme = theme;
  themes.setAttribute("aria-pressed", String(theme === "dark"));
  for (const pane of panes.values()) pane.redraw();
}
themes.addEventListener("click", () => paint(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
paint(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

listen({
  post: (post) => { for (const pane of panes.values()) pane.show(post); },
  traffic: (line) => traffic.show(line),
  world: (world) => graph.show(world),
  ready: () => {
    for (const pane of panes.values()) pane.ready();
    document.documentElement.dataset.ready = "yes";
  },
});

// For the browser's console: what no card offers can be sent all the same, as a client could.
//   await teams.press("vic", "<message id>", "approve", { operation: "…", revision: "1" })
globalThis.teams = {
  say: (who, text) => panes.get(who).write(text),
  press: (who, message, verb, data = {}) => panes.get(who).press(message, { verb, data }),
  submit: (who, message, value) => panes.get(who).submit(message, value),
  open: (who, message, data) => panes.get(who).open(message, data),
};
