// What goes between this page and its server.

// Sends a wish; returns its answer, or { trouble } when there is none.
export async function send(path, wish) {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(wish),
    });
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    return isJson ? await response.json() : { trouble: await response.text() };
  } catch {
    return { trouble: "The demo is not there any more: start it again in the terminal." };
  }
}

export async function read(path) {
  const response = await fetch(path);
  return response.ok ? response.json() : null;
}

// Calls the listener of each event's name with what it carries; the stream opens itself anew.
export function listen(listeners) {
  const events = new EventSource("/events");
  for (const [name, listener] of Object.entries(listeners)) {
    events.addEventListener(name, (event) => listener(JSON.parse(event.data)));
  }
  return events;
}
