"""A conversation with the bot in the terminal: played from a script, or typed."""

import asyncio
import sys
import threading

from bot.sandbox.chat import Chat, Heard, Line, misread, read_line
from bot.sandbox.terminal import lines_of

LEAVING = frozenset({"quit", "exit"})


async def play(chat: Chat, lines: list[str]) -> int:
    """Say the lines one after another, to the end or to `quit`; 1 when one has no answer."""
    for text in lines:
        if text.strip() in LEAVING:
            return 0
        line = read_line(text, chat.people)
        if line is None:
            why = misread(text, chat.people) or "It is neither name: text nor name> button."
            print(f"Not a line of a conversation: {text}\n{why}", file=sys.stderr)
            return 1
        print(f"\n{text}")
        heard = await chat.say(line)
        _show(heard)
        if not heard.is_answer:
            print(f"No answer to: {text}", file=sys.stderr)
            return 1
    return 0


async def converse(chat: Chat) -> bool:
    """Talk until `quit` or the end of the input; False when nothing at all came in.

    What the bot says unasked is shown before the next line is typed.
    """
    who = "ada"
    is_begun = False
    while True:
        _show(chat.overhear())
        text = await _typed(f"{who}: ")
        if text is None or text in LEAVING:
            return is_begun or text is not None
        is_begun = True
        if not text:
            continue
        if why := misread(text, chat.people):
            print(f"  {why}")
            continue
        line = read_line(text, chat.people) or Line(who, text, is_press=text[0] in "#123456789")
        who = line.who
        _show(await chat.say(line))


async def _typed(prompt: str) -> str | None:
    """Return what is typed next; None at the end of the input.

    A thread of the pool would keep the process from ending until somebody presses Enter.
    """
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str | None] = loop.create_future()

    def read() -> None:
        text = _prompt(prompt)
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, typed, text)

    threading.Thread(target=read, daemon=True).start()
    return await typed


def _settle(typed: "asyncio.Future[str | None]", text: str | None) -> None:
    if not typed.done():
        typed.set_result(text)


def _prompt(prompt: str) -> str | None:
    try:
        return input(prompt).strip()
    except EOFError:
        return None


def _show(heard: Heard) -> None:
    for number, card in zip(heard.numbers, heard.cards, strict=True):
        for row in lines_of(card):
            print(f"  │ {row}")
        print(f"  ╵ #{number}")
    if heard.toast:
        print(f"  » {heard.toast}")
    if heard.trouble:
        print(f"  {heard.trouble}")
