"""What a browser may send: one model for each of the page's own requests."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from bot.sandbox.page.weather import Weather

Key = Annotated[str, Field(min_length=1, max_length=200)]
Anything = dict[str, JsonValue]


class Wish(BaseModel):
    """What all have in common: no field that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Write(Wish):
    """Somebody writes a message: in a thread, as a new post, or in their chat with the bot.

    In private it is a post that nobody else sees, as by Teams' / menu.
    """

    who: Key
    text: Annotated[str, Field(min_length=1, max_length=10_000)]
    root: Key | None = None
    is_private: bool = False
    is_chat: bool = False


class Join(Wish):
    """Somebody opens their chat with the bot."""

    who: Key


class Press(Wish):
    """Somebody presses an `Action.Execute`; or their client does, to refresh the card."""

    who: Key
    message: Key
    action: Anything
    is_refresh: bool = False


class Submit(Wish):
    """Somebody presses an `Action.Submit`: of a card, one that opens a dialog, or one in it."""

    who: Key
    message: Key
    value: Anything


class Search(Wish):
    """Somebody types into a field whose choices the bot looks up."""

    who: Key
    message: Key
    dataset: Annotated[str, Field(max_length=200)]
    text: Annotated[str, Field(max_length=500)]


class Change(Wish):
    """Somebody edits a connector in Graph, behind the bot's back."""

    connector: Key
    properties: Annotated[dict[str, str], Field(min_length=1, max_length=20)]


class Add(Wish):
    """Somebody makes a connector in Graph, behind the bot's back."""

    model_config = ConfigDict(str_strip_whitespace=True)

    serverName: Key  # noqa: N815 - Graph's own name


class Remove(Wish):
    """Somebody deletes a connector in Graph, behind the bot's back."""

    connector: Key


class Turn(Wish):
    """The weather over Graph changes."""

    weather: Weather


class Pass(Wish):
    """Time passes."""

    minutes: Annotated[int, Field(ge=1, le=60 * 24 * 30)]
