// Draws cards one after another in the page's own way and says what of them does not fit.
// Takes [[name, payload], …]; returns [[name, complaint], …].
async (cards) => {
  const { draw } = await import("/page/cards.js");
  const frame = document.querySelector(".card");
  const complaints = [];

  const block = (node) => {
    let element = node.parentElement;
    while (getComputedStyle(element).display.startsWith("inline")) element = element.parentElement;
    return element;
  };
  const sticksOut = (inner, outer) =>
    inner.right > outer.right + 1 || inner.left < outer.left - 1 ||
    inner.bottom > outer.bottom + 1 || inner.top < outer.top - 1;

  const checkText = (text, edge) => {
    const range = document.createRange();
    range.selectNodeContents(text);
    const holder = block(text).getBoundingClientRect();
    for (const rect of range.getClientRects()) {
      if (!rect.width) continue;
      // A letter may be taller than its line; it must not be wider than its place.
      const wide = { ...holder.toJSON(), top: rect.top, bottom: rect.bottom };
      if (sticksOut(rect, wide) || sticksOut(rect, edge)) return `text runs out: ${text.data.slice(0, 60)}`;
    }
    return null;
  };
  const checkBox = (element, edge) => {
    if (!element.getClientRects().length) return null;
    if (sticksOut(element.getBoundingClientRect(), edge)) return `${element.className} runs out`;
    const { overflowX, overflowY } = getComputedStyle(element);
    const isCut = (overflow, whole, seen) => overflow !== "visible" && whole > seen + 1;
    const isCutOff =
      isCut(overflowX, element.scrollWidth, element.clientWidth) ||
      isCut(overflowY, element.scrollHeight, element.clientHeight);
    return isCutOff && !element.matches("textarea, input, select") ? `${element.className} is cut off` : null;
  };

  for (const [name, payload] of cards) {
    frame.replaceChildren(draw(payload, { action() {} }).element);
    const edge = frame.getBoundingClientRect();
    const texts = document.createTreeWalker(frame, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const complaint = checkText(texts.currentNode, edge);
      if (complaint) complaints.push([name, complaint]);
    }
    for (const element of frame.querySelectorAll("*")) {
      const complaint = checkBox(element, edge);
      if (complaint) complaints.push([name, complaint]);
    }
    if (document.documentElement.scrollWidth > innerWidth) complaints.push([name, "the page scrolls sideways"]);
  }
  return complaints;
}
