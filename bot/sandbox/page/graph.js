// The Graph panel: what happens behind the bot's back, and the time.
import { make } from "./dom.js";
import { send } from "./wire.js";

const WEATHERS = {
  fair: "answers",
  slow: "answers slowly (after 4 s)",
  throttled: "throttles (429)",
  down: "is down (503)",
};
const PROPERTIES = [
  "version", "serverName", "connectorServerName", "exchangeAlias", "exchangeOrganization", "primarySmtpAddress",
];
const STEPS = [[1, "+1 min"], [15, "+15 min"], [60, "+1 h"], [300, "+5 h"], [1440, "+1 day"]];

const at = (id) => document.getElementById(id);

// Graph writes its times with any offset, and the year 1 for never.
function age(text, nowMs) {
  const moment = new Date(text ?? NaN);
  if (Number.isNaN(moment.getTime()) || moment.getUTCFullYear() < 1900) return "never";
  const minutes = Math.floor((nowMs - moment.getTime()) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h ago` : `${Math.floor(minutes / (24 * 60))} d ago`;
}

export class GraphPanel {
  #aheadMs = 0;
  #rows = new Map();

  constructor() {
    const form = at("edit");
    form.elements.property.append(...PROPERTIES.map((each) => make("option", {}, each)));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const { connector, property, value } = form.elements;
      this.#do("/change", { connector: connector.value, properties: { [property.value]: value.value } });
      value.value = "";
    });
    at("add").addEventListener("submit", async (event) => {
      event.preventDefault();
      const { serverName } = event.target.elements;
      if (await this.#do("/add", { serverName: serverName.value })) serverName.value = "";
    });
    at("time").append(
      ...STEPS.map(([minutes, title]) =>
        make("button", { type: "button", onclick: () => this.#do("/clock", { minutes }) }, title)),
    );
    setInterval(() => this.#tick(), 1000);
  }

  show(world) {
    this.#aheadMs = world.ahead_s * 1000;
    this.#showWeather(world);
    this.#showConnectors(world);
  }

  #showWeather({ weather, weathers }) {
    if (!at("weather").childElementCount) {
      at("weather").append(...weathers.map((each) => make(
        "label", {},
        make("input", { type: "radio", name: "weather", value: each, onchange: () => this.#do("/weather", { weather: each }) }),
        ` ${WEATHERS[each] ?? each}`,
      )));
    }
    for (const input of at("weather").querySelectorAll("input")) input.checked = input.value === weather;
  }

  // Rows stay where they are, so that nobody's focus is lost while Graph changes.
  #showConnectors({ connectors, statuses }) {
    for (const [id, row] of this.#rows) {
      if (!connectors.some((each) => each.id === id)) {
        row.element.remove();
        this.#rows.delete(id);
      }
    }
    for (const record of connectors) {
      const row = this.#rows.get(record.id) ?? this.#add(record, statuses);
      row.name.textContent = record.serverName ?? record.id.slice(0, 8);
      row.unset.hidden = Boolean(record.status);
      row.status.value = record.status ?? "";
      row.status.setAttribute("aria-label", `Status of ${record.serverName}`);
      row.remove.setAttribute("aria-label", `Delete ${record.serverName} in Graph`);
      row.lastSync = record.lastSyncDateTime;
      row.sync.title = record.lastSyncDateTime ?? "";
    }
    this.#tick();
    const { connector } = at("edit").elements;
    const chosen = connector.value;
    connector.replaceChildren(...connectors.map((each) => make("option", { value: each.id }, each.serverName ?? each.id)));
    if (connectors.some((each) => each.id === chosen)) connector.value = chosen;
  }

  #add(record, statuses) {
    const { id } = record;
    // What Graph has not told yet cannot be chosen.
    const unset = make("option", { value: "", disabled: true }, "not set");
    const row = {
      unset,
      name: make("th", { scope: "row" }),
      status: make(
        "select",
        { onchange: (event) => this.#do("/change", { connector: id, properties: { status: event.target.value } }) },
        unset,
        ...statuses.map((each) => make("option", {}, each)),
      ),
      sync: make("td", { class: "sync" }),
      remove: make("button", { type: "button", onclick: () => this.#do("/remove", { connector: id }) }, "\u00d7"),
    };
    row.element = make("tr", {}, row.name, make("td", {}, row.status), row.sync, make("td", {}, row.remove));
    at("connectors").append(row.element);
    this.#rows.set(id, row);
    return row;
  }

  // Whether it was done.
  async #do(path, wish) {
    const { trouble } = await send(path, wish);
    at("graph-told").textContent = trouble ?? "";
    return !trouble;
  }

  #tick() {
    const nowMs = Date.now() + this.#aheadMs;
    const now = new Date(nowMs).toISOString();
    at("clock").dateTime = now;
    at("clock").textContent = `${now.slice(0, 10)} ${now.slice(11, 19)} UTC`;
    for (const { sync, lastSync } of this.#rows.values()) {
      const told = age(lastSync, nowMs);
      if (sync.textContent !== told) sync.textContent = told;
    }
  }
}
