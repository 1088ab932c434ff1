"""Only the bot's own mention at the start of a message is removed."""

import time

import pytest
from pydantic import JsonValue

from bot.teams.mentions import MENTIONS_MAX, strip_mention

BOT_ID = "28:bot"


def mention(said: JsonValue, who: JsonValue = BOT_ID) -> JsonValue:
    return {"type": "mention", "text": said, "mentioned": {"id": who, "name": "Bot"}}


BOT = mention("<at>Bot</at>")
ALICE = mention("<at>Alice</at>", "29:alice")
UNNAMED: JsonValue = {"type": "mention", "mentioned": {"id": BOT_ID}}


@pytest.mark.parametrize(
    ("text", "entities", "rest"),
    [
        ("<at>Bot</at> list", [BOT], " list"),
        (" \u00a0\u200b\ufeff&nbsp;&#160;\n<at>Bot</at>&nbsp;list", [BOT], "&nbsp;list"),
        ("<at>Bot</at>", [BOT], ""),
        ("<at>Bot</at>&nbsp;<at>Bot</at> \u200b<at>Bot</at> list", [BOT, BOT], " list"),
        ("<at>Bot</at> list", [mention("<at>Bot</at>", "28:BOT")], " list"),
        ("<at>Bot 2</at> list", [BOT, mention("<at>Bot 2</at>")], " list"),
        ("@Bot Two list", [mention("@Bot"), mention("@Bot Two")], " list"),
        # only at the start, and only the whole mention
        ("list <at>Bot</at>", [BOT], "list <at>Bot</at>"),
        ("/list <at>Bot</at>", [BOT], "/list <at>Bot</at>"),
        ('<at>Bot</at> create name="Bot x"', [BOT], ' create name="Bot x"'),
        ("<at>on</at> create connector", [mention("<at>on</at>")], " create connector"),
        ("  list", [BOT], "  list"),
        ("", [BOT], ""),
        ("   ", [BOT], "   "),
        # other people stay
        ("<at>Alice</at> <at>Bot</at> list", [ALICE, BOT], "<at>Alice</at> <at>Bot</at> list"),
        ("<at>Bot</at> <at>Alice</at> list", [BOT, ALICE], " <at>Alice</at> list"),
        ("<at>Bot</at> list", [mention("<at>Bot</at>", "29:alice")], "<at>Bot</at> list"),
        ("<at>Bot</at> list", [], "<at>Bot</at> list"),
        # a name with & has no text of its own
        ("<at>R&D Bot</at> list", [UNNAMED], " list"),
        ("<at>R&amp;D</at> list", [mention("<at>R&D</at>")], " list"),
        ("<at>R&D</at> list", [mention("")], " list"),
        ("<at>R&D</at> list", [mention(None)], " list"),
        ('<at id="0">R&D</at> list', [UNNAMED], " list"),
        ("<at>R&D</at> <at>R&D</at> list", [UNNAMED, UNNAMED], " list"),
        ("<at>R&D</at> <at>Carol</at> list", [UNNAMED], " <at>Carol</at> list"),
        (
            "<at>Alice</at> <at>R&D</at> list",
            [ALICE, UNNAMED],
            "<at>Alice</at> <at>R&D</at> list",
        ),
        ("<at>Bot</at> <at>R&D</at> list", [BOT, UNNAMED], " list"),
        ("<at>open list", [UNNAMED], "<at>open list"),
        ("<attachment>x</at>", [UNNAMED], "<attachment>x</at>"),
        ("list", [UNNAMED], "list"),
    ],
)
def test_leading_mentions_of_the_bot_go_and_nothing_else(
    text: str, entities: list[JsonValue], rest: str
) -> None:
    assert strip_mention(text, entities, BOT_ID) == rest


@pytest.mark.parametrize(
    "entity",
    [
        None,
        7,
        "mention",
        [],
        {},
        {"type": "clientInfo", "text": "<at>Bot</at>", "mentioned": {"id": BOT_ID}},
        {"type": ["mention"], "text": "<at>Bot</at>", "mentioned": {"id": BOT_ID}},
        {"type": "mention", "text": "<at>Bot</at>"},
        {"type": "mention", "text": "<at>Bot</at>", "mentioned": None},
        {"type": "mention", "text": "<at>Bot</at>", "mentioned": [BOT_ID]},
        {"type": "mention", "text": "<at>Bot</at>", "mentioned": {"id": None}},
        {"type": "mention", "text": "<at>Bot</at>", "mentioned": {"id": {}}},
        {"type": "mention", "text": "<at>Bot</at>", "mentioned": {"id": ""}},
    ],
)
@pytest.mark.parametrize("bot_id", [BOT_ID, ""])
def test_an_entity_that_names_nobody_removes_nothing(entity: JsonValue, bot_id: str) -> None:
    assert strip_mention("<at>Bot</at> list", [entity], bot_id) == "<at>Bot</at> list"


def test_an_entity_with_a_text_of_another_type_counts_as_without_one() -> None:
    assert strip_mention("<at>Bot</at> list", [mention({"x": 1})], BOT_ID) == " list"


def test_a_flood_of_mentions_is_cut_and_costs_no_time() -> None:
    entities = [mention(f"<at>{n}</at>") for n in range(1000)]
    text = "<at>1</at>" * 2000
    started = time.process_time()

    rest = strip_mention(text, entities, BOT_ID)

    assert len(rest) == len(text) - MENTIONS_MAX * len("<at>1</at>")
    assert time.process_time() - started < 0.5
