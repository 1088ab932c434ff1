# ruff: noqa: RUF001 - look-alike characters are what is tested
"""What people type in Teams, as it arrives, and the command or the complaint it becomes."""

import time
from dataclasses import replace

import pytest
from pydantic import JsonValue

from bot.domain.command import TEXT_LIMIT, Catalogue, Command
from bot.domain.kinds.exchange import EXCHANGE
from bot.domain.outcome import Misread
from bot.domain.parse import format_command, parse
from bot.domain.text import clean, parse_duration, similar
from bot.domain.values import PAGE_MAX, is_email
from bot.teams.mentions import strip_mention

CATALOGUE = Catalogue((EXCHANGE,))
BOT_ID = "28:bot"
AT = "<at>Connectors</at>"
MENTIONED: list[JsonValue] = [{"type": "mention", "text": AT, "mentioned": {"id": BOT_ID}}]


def arrived(raw: str) -> Command | Misread:
    return parse(clean(strip_mention(raw, MENTIONED, BOT_ID)), CATALOGUE)


def understood(raw: str) -> Command:
    command = arrived(raw)
    assert isinstance(command, Command), command
    return command


def misread(text: str) -> Misread:
    found = parse(text, CATALOGUE)
    assert isinstance(found, Misread), found
    return found


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        # the three ways a command starts
        ("/exchange list", "/exchange list"),
        ("exchange list", "/exchange list"),
        (f"{AT} /exchange list", "/exchange list"),
        (f"{AT}&nbsp;exchange list\n", "/exchange list"),
        (f"{AT}{AT} exchange list", "/exchange list"),
        # spaces and what cannot be seen
        ("/exchange\u00a0get\u2007EXCH01\u202f", "/exchange get EXCH01"),
        ("/exchange&nbsp;get&#160;EXCH01", "/exchange get EXCH01"),
        ("/exchange\u3000get\u2003EXCH01", "/exchange get EXCH01"),
        ("\ufeff/exch\u200bange g\u200ce\u200dt EX\u2060CH\u00ad01", "/exchange get EXCH01"),
        ("/exchange get \u202eEXCH01\u202c\u2066\u2069\u200e", "/exchange get EXCH01"),
        ("/exchange get\r\n\tEXCH01\r\n", "/exchange get EXCH01"),
        ("/exchange get\u2028EXCH01\u0085\v\f", "/exchange get EXCH01"),
        ("/exchange get EX\x00CH\x1b\x7f01\ud800", "/exchange get EXCH01"),
        # quotes
        ("/exchange get “EXCH 01”", '/exchange get "EXCH 01"'),
        ("/exchange get „EXCH 01‟", '/exchange get "EXCH 01"'),
        ("/exchange get ‘EXCH 01’", '/exchange get "EXCH 01"'),
        ("/exchange get ‚EXCH 01‛", '/exchange get "EXCH 01"'),
        ("/exchange get &quot;EXCH 01&quot;", '/exchange get "EXCH 01"'),
        ("/exchange get O’Brien", '/exchange get "O\'Brien"'),
        ("/exchange get O'Brien", '/exchange get "O\'Brien"'),
        (r"/exchange get 'O\'Brien \\ 1 \d'", r'''/exchange get "O'Brien \\ 1 \\d"'''),
        (
            "/exchange update a version=“15 2” --reason='new “one”'",
            r'/exchange update a version="15 2" --reason "new \"one\""',
        ),
        # dashes
        ("/exchange delete a —plan", "/exchange delete a --plan"),
        ("/exchange delete a –plan", "/exchange delete a --plan"),
        ("/exchange delete a –-plan", "/exchange delete a --plan"),
        ("/exchange delete a ––plan", "/exchange delete a --plan"),
        ("/exchange delete a \u2212\u200bplan", "/exchange delete a --plan"),
        ("/exchange get EXCH–01", "/exchange get EXCH-01"),
        ("/exchange get \u20121\u20152", "/exchange get -1-2"),
        ("/exchange get EXCH\u201101", "/exchange get EXCH-01"),
        ("/exchange update a version=–x", "/exchange update a version=-x"),
        ("/exchange get “EXCH — 01 –x”", '/exchange get "EXCH — 01 –x"'),
        ("/exchange update a version=‘1 – 2’", '/exchange update a version="1 – 2"'),
        (r"/exchange get 'a\'–b — c'", '/exchange get "a\'–b — c"'),
        # slashes
        ("\uff0fexchange list", "/exchange list"),
        ("\u2215exchange list", "/exchange list"),
        # look-alikes, as they stand on cards
        (
            '／exchange update EXCH\u202401 version=15․2 －－reason “［a］＊＼" ＆lt；”',
            r'''/exchange update EXCH.01 version=15.2 --reason "[a]*\" &lt；"''',
        ),
        ("/exchange get ＜target＞", '/exchange get "<target>"'),
        # entities are read exactly once
        ("/exchange get R&amp;D", '/exchange get "R&D"'),
        ("/exchange get R&amp;amp;D", '/exchange get "R&amp;D"'),
        ("/exchange get a&lt;b&gt;", '/exchange get "a<b>"'),
        ("/exchange get &#8203;EXCH01&#x200b;", "/exchange get EXCH01"),
        # host names and addresses stay, whatever Teams links in the html
        ("/exchange get mail.contoso.com", "/exchange get mail.contoso.com"),
        (
            "/exchange update a primarySmtpAddress=ops@contoso.com",
            "/exchange update a primarySmtpAddress=ops@contoso.com",
        ),
        # other people, and the bot's name elsewhere, stay
        (
            f'{AT} /exchange create serverName="{AT} x"',
            f'/exchange create serverName="{AT} x"',
        ),
        ("/history <at>Alice</at>", '/history "<at>Alice</at>"'),
    ],
)
def test_a_text_from_teams_becomes_the_command_it_means(raw: str, canonical: str) -> None:
    assert format_command(understood(raw)) == canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("/EXCHANGE Show EXCH01", "/exchange get EXCH01"),
        ("/exchange SYNC x --TYPE Delta", "/exchange sync x --type delta"),
        ("/exchange sync x --type=FULL", "/exchange sync x --type full"),
        ("/exchange sync --plan --type delta x", "/exchange sync x --plan --type delta"),
        ("/exchange update version=1 --plan a", "/exchange update a version=1 --plan"),
        (
            "/exchange update a EXCHANGECONNECTORTYPE=hosted",
            "/exchange update a exchangeConnectorType=hosted",
        ),
        (
            "/exchange update a exchangeconnectortype=SERVICETOSERVICE",
            "/exchange update a exchangeConnectorType=serviceToService",
        ),
        ("/exchange update a version=", '/exchange update a version=""'),
        ('/exchange update a version=""', '/exchange update a version=""'),
        ("/exchange update a primarySmtpAddress=", '/exchange update a primarySmtpAddress=""'),
        ("/exchange update a version=a=b", '/exchange update a version="a=b"'),
        ("/exchange list --status Disconnected", "/exchange list --status disconnected"),
        (
            "/exchange list --status unknownfuturevalue",
            "/exchange list --status unknownFutureValue",
        ),
        ("/exchange list --status paused", "/exchange list --status paused"),
        ("/exchange list --servername=x", "/exchange list --serverName x"),
        ("/exchange list --stale 36H --page 007", "/exchange list --stale 36h --page 7"),
        (f"/exchange list --page {PAGE_MAX}", f"/exchange list --page {PAGE_MAX}"),
        ("/exchange list --sort VERSION", "/exchange list --sort version"),
        ("/exchange list --sort -lastsyncdatetime", "/exchange list --sort -lastSyncDateTime"),
        ('/exchange get "--plan"', '/exchange get "--plan"'),
        ('/exchange get "a=b"', '/exchange get "a=b"'),
        ("/exchange get =b", '/exchange get "=b"'),
        ("/exchange get -x", "/exchange get -x"),
        ("/exchange delete a --reason a=b", '/exchange delete a --reason "a=b"'),
        ("/exchange update a --reason 'version=2'", '/exchange update a --reason "version=2"'),
        ("/resolve 7F3K DONE", "/resolve 7F3K done"),
        ("/history --page 2", "/history --page 2"),
        ("/Help", "/help"),
        ("/help  it's 'open --x  y=z  ", "/help it's 'open --x  y=z"),
        ('"exchange" "list"', "/exchange list"),
    ],
)
def test_names_are_read_in_any_case_and_order_and_given_back_as_declared(
    text: str, canonical: str
) -> None:
    command = parse(text, CATALOGUE)

    assert isinstance(command, Command), command
    assert format_command(command) == canonical
    assert parse(canonical, CATALOGUE) == command


@pytest.mark.parametrize(
    ("marked", "code"),
    [
        ("[]", "empty"),
        ("   []", "empty"),
        ("[/]", "empty"),
        ('[""] list', "empty"),
        ("[/deploy] now", "unknown-command"),
        ("[//exchange] list", "unknown-command"),
        ("[exchange=x] list", "unknown-command"),
        ("/exchange[]", "verb-missing"),
        ("/exchange  []", "verb-missing"),
        ("/exchange [destroy] EXCH01", "unknown-verb"),
        ("/exchange get[]", "argument-missing"),
        ("/exchange update --plan []", "argument-missing"),
        ('/exchange get [" "]', "argument-missing"),
        ("/resolve 7F3K[]", "argument-missing"),
        ("/resolve 7F3K [maybe]", "bad-choice"),
        ("/exchange get EXCH [01]", "too-many-words"),
        ("/exchange list [x]", "too-many-words"),
        ("/exchange update EXCH01 [Version] 15.3", "value-apart"),
        ("/exchange list --status [conected]", "bad-choice"),
        ("/exchange sync --status [disconected]", "bad-choice"),
        ("/exchange delete --stale [400]", "bad-duration"),
        ("/whoami [x]", "too-many-words"),
        ("/exchange get ['EXCH 01", "open-quote"),
        (r'/exchange get ["EXCH\"', "open-quote"),
        ('/exchange update a version=["15', "open-quote"),
        ("/exchange get a ['tis", "open-quote"),
        ("['exchange list", "open-quote"),
        ('/exchange update a version="1"[x=2]', "glued-quote"),
        ("/exchange get 'it'[s']", "glued-quote"),
        ("/exchange get a [--type] full", "unknown-option"),
        ("/exchange get a [--foo]=full", "unknown-option"),
        ("/exchange get a [--]", "unknown-option"),
        ("/exchange get a [--]=", "unknown-option"),
        ("/exchange sync a --type full [--TYPE]=delta", "repeated"),
        ("/exchange sync a --plan [--plan]", "repeated"),
        ("/exchange sync a --plan=[on]", "value-unwanted"),
        ("/exchange sync a --plan=[]", "value-unwanted"),
        ("/exchange sync a [--type]", "value-missing"),
        ("/exchange sync a [--type=]", "value-missing"),
        ('/exchange sync a [--reason] " "', "value-missing"),
        ("/exchange sync a [--type] --plan", "value-missing"),
        ("/exchange update a [--reason] version=2", "value-missing"),
        ("/exchange sync a --type [all]", "bad-choice"),
        ("/exchange sync a --type=['all']", "bad-choice"),
        ("/exchange list --page [0]", "bad-number"),
        ("/exchange list --page [10001]", "bad-number"),
        ("/exchange list --page [-1]", "bad-number"),
        ("/exchange list --page=[1_0]", "bad-number"),
        ("/history --page [\u0661]", "bad-number"),
        ("/history --page [" + "9" * 1900 + "]", "bad-number"),
        ("/exchange list --stale [36]", "bad-duration"),
        ("/exchange list --stale=[0h]", "bad-duration"),
        ("/exchange list --stale [1h30m]", "bad-duration"),
        ("/exchange list --sort [color]", "bad-sort"),
        ("/exchange list --sort [-]", "bad-sort"),
        ("/exchange list [--sort] --version", "value-missing"),
        ("/exchange update a [colour]=red", "unknown-property"),
        ('/exchange update a [colour]="red"', "unknown-property"),
        ("/exchange update a [status]=connected", "property-kept"),
        ("/exchange create [LastSyncDateTime]=x", "property-kept"),
        ("/exchange create [ID]=x", "property-kept"),
        ("/exchange update a version=1 [VERSION]=2", "repeated"),
        ("/exchange sync a [type]=delta", "changes-unwanted"),
        ("/exchange list [status]=connected", "changes-unwanted"),
        ("/whoami [a]=b", "changes-unwanted"),
        ("/exchange create exchangeConnectorType=[cloud]", "bad-choice"),
        ("/exchange create exchangeConnectorType=[unknownFutureValue]", "bad-choice"),
        ("/exchange create primarySmtpAddress=[ops]", "bad-email"),
        ('/exchange create primarySmtpAddress=["o ps@contoso.com"]', "bad-email"),
    ],
)
def test_a_misread_points_at_the_wrong_part(marked: str, code: str) -> None:
    before, rest = marked.split("[", 1)
    wrong, bracket, after = rest.partition("]")
    text = before + wrong + after

    found = misread(text)

    # A mark without an end stands for a quote that has none: the quote itself is wrong.
    end = len(before) + (len(wrong) if bracket else 1)
    assert (found.code, found.start, found.end) == (code, len(before), end)
    assert found.text == text


def test_a_text_beyond_the_limit_is_refused_from_there_on() -> None:
    longest = "/help " + "x" * (TEXT_LIMIT - 6)

    found = misread(longest + "yz")

    assert (found.code, found.start, found.end) == ("too-long", TEXT_LIMIT, TEXT_LIMIT + 2)
    assert found.details == (("limit", "2000"),)
    assert isinstance(parse(longest, CATALOGUE), Command)


@pytest.mark.parametrize(
    ("text", "suggestions"),
    [
        ("/exchagne list", "exchange list"),
        ("/exchangelist", "exchange list"),
        ("list", "exchange list"),
        ("/helpp", "help"),
        ("/who am i", "whoami"),
        ("/exchange udpate EXCH01", "exchange update"),
        ("/exchange shwo EXCH01", "exchange get"),
    ],
)
def test_an_unknown_command_suggests_titles_that_look_alike(text: str, suggestions: str) -> None:
    found = misread(text)

    assert found.suggestions[0] == suggestions
    assert len(found.suggestions) <= 3


def test_a_verb_alone_suggests_it_for_every_kind() -> None:
    ndes = replace(EXCHANGE, name="ndes")

    found = parse("/delete x", Catalogue((EXCHANGE, ndes)))

    assert isinstance(found, Misread)
    assert {"exchange delete", "ndes delete"} <= set(found.suggestions)


def test_a_missing_verb_suggests_every_verb_of_the_kind() -> None:
    expected = tuple(f"exchange {verb.name}" for verb in EXCHANGE.verbs)

    assert misread("/exchange").suggestions == expected


@pytest.mark.parametrize(
    ("text", "details"),
    [
        ("/exchange frob", {"kind": "exchange", "token": "frob"}),
        ("/exchange get a --pln", {"token": "--pln", "near": ""}),
        (
            "/exchange sync a --typ=x",
            {"token": "--typ", "near": "--type, --exchangeConnectorType"},
        ),
        ("/exchange update a versoin=1", {"token": "versoin", "near": "version="}),
        (
            "/exchange sync a Type=delta",
            {"token": "Type", "near": "--type, --exchangeConnectorType"},
        ),
        ("/exchange get", {"name": "target"}),
        ("/resolve a b", {"token": "b", "name": "outcome", "choices": "done, failed"}),
        ("/exchange sync a --type b", {"token": "b", "name": "type", "choices": "full, delta"}),
        (
            "/exchange update a exchangeConnectorType=b",
            {
                "token": "b",
                "name": "exchangeConnectorType",
                "choices": "onPremises, hosted, serviceToService, dedicated",
            },
        ),
        ("/history --page x", {"token": "x", "name": "page", "last": "10000"}),
        ("/exchange create primarySmtpAddress=x", {"token": "x", "name": "primarySmtpAddress"}),
    ],
)
def test_a_misread_carries_the_values_of_its_sentence(text: str, details: dict[str, str]) -> None:
    assert dict(misread(text).details) == details


def test_a_misread_knows_the_command_once_it_is_named() -> None:
    update = CATALOGUE.find("exchange", "update")

    assert misread("/exchange update").spec is update
    assert misread("/exchange frob").spec is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@b.c", True),
        ("first.last+tag@mail.contoso.com", True),
        ("", False),
        ("a", False),
        ("@b.c", False),
        ("a@", False),
        ("a@b", False),
        ("a@b..c", False),
        ("a@.c", False),
        ("a@b.c@d.e", False),
        ("a b@c.d", False),
    ],
)
def test_a_mail_address_has_one_at_sign_and_a_dotted_domain(text: str, expected: bool) -> None:  # noqa: FBT001
    assert is_email(text) is expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("36h", 129_600),
        ("400D", 34_560_000),
        ("999999d", 86_399_913_600),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    duration = parse_duration(text)

    assert duration is not None
    assert duration.total_seconds() == seconds


@pytest.mark.parametrize(
    "text", ["", "h", "1", "1w", "1.5h", "-1h", "0s", "01h", "1h ", "1000000d"]
)
def test_other_texts_are_no_duration(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    "raw",
    [
        '/exchange get "' + "\\" * 1980,
        "/exchange update a " + "v=" * 990,
        "/exchange update " + "version=1 " * 198,
        "/" + "\"'" * 999,
        "a" * TEXT_LIMIT,
        "/exchange list --sort " + "s" * 1970,
        "–" * TEXT_LIMIT,
        "&" * TEXT_LIMIT,
        "ex change " * 200,
    ],
)
def test_2000_hostile_characters_are_read_in_no_time(raw: str) -> None:
    started = time.process_time()

    parse(clean(raw), CATALOGUE)

    assert time.process_time() - started < 0.02


def test_a_character_reference_of_thousands_of_digits_stays_as_typed() -> None:
    # int() refuses more than 4,300 digits, which html.unescape does not expect.
    raw = "&#" + "9" * 5000 + ";"

    assert clean(raw) == raw


def test_an_open_quote_keeps_the_rest_of_the_text_as_typed() -> None:
    assert clean("/exchange get “a — b –plan") == '/exchange get "a — b –plan'


def test_only_the_start_of_a_long_word_is_compared() -> None:
    assert similar("version" * 300, ["version"]) == ()


def test_a_command_says_its_target_reason_and_whether_only_the_plan_is_wanted() -> None:
    plan = understood("/exchange delete EXCH01 --plan --reason 'old one'")
    bare = understood("/pause")

    assert (plan.target, plan.is_plan, plan.reason) == ("EXCH01", True, "old one")
    assert (bare.target, bare.is_plan, bare.reason) == (None, False, None)


@pytest.mark.parametrize(
    ("permission", "usage"),
    [
        ("bot:help", "/help [<command>]"),
        ("bot:resolve", "/resolve <operation> done|failed [--reason …]"),
        (
            "exchange:sync",
            "/exchange sync [<target>] [--property …] [--type full|delta] [--all] [--stale …]"
            " [--reason …] [--plan] [--revise …]",
        ),
        (
            "exchange:update",
            "/exchange update <target> name=value … [--reason …] [--plan] [--revise …]",
        ),
    ],
)
def test_the_usage_of_a_command_is_its_whole_shape(permission: str, usage: str) -> None:
    assert CATALOGUE.by_permission[permission].usage == usage


def test_every_example_of_the_catalogue_is_a_command_of_its_own_kind() -> None:
    for spec in CATALOGUE.specs:
        for example in spec.examples:
            assert understood(example).spec is spec


def test_every_first_word_of_the_catalogue_is_read_as_one() -> None:
    for subject in CATALOGUE.subjects():
        found = parse(subject, CATALOGUE)

        assert isinstance(found, Command) or found.code in {"verb-missing", "argument-missing"}


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("/exchange create type=hosted", "exchangeConnectorType="),
        ("/exchange create Server=X", "serverName=, connectorServerName="),
        ("/exchange update a org=X", "exchangeOrganization="),
        ("/exchange create nothing=X", ""),
    ],
)
def test_a_part_of_a_propertys_name_suggests_the_whole(text: str, near: str) -> None:
    assert misread(text).code == "unknown-property"
    assert dict(misread(text).details)["near"] == near


@pytest.mark.parametrize(
    ("text", "suggestions"),
    [
        ("/app", ("approve", "approvals")),
        ("/watc", ("watch", "watches", "unwatch")),
        ("/exchange sy EXCH01", ("exchange sync",)),
        ("/st", ("status", "exchange list")),
        ("/exchnge lst", ("exchange list", "exchange get", "exchange delete")),
    ],
)
def test_suggestions_come_nearest_first(text: str, suggestions: tuple[str, ...]) -> None:
    assert misread(text).suggestions == suggestions
