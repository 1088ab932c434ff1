"""What was read, as its cards show it: lists, records, plans, what was done, who somebody is."""

from collections.abc import Mapping

from bot.domain.form import TARGET_ID
from bot.domain.operation import Operation
from bot.domain.outcome import History, Listing, Planned, Shown, WhoAmI
from bot.domain.policy import Grant
from bot.domain.resource import Effect, ResourceKind, Values, moment
from bot.domain.spec import CommandSpec
from bot.teams.reply_operation import about_of, changes_of, title_of
from bot.teams.reply_rights import terms_of
from bot.teams.reply_targets import word_of
from bot.teams.reply_values import (
    caution_of,
    facts_of,
    page_buttons,
    run_button,
    seen_of,
    shown,
    status_of,
    told_apart,
    typed,
)
from cards import form_words, history, listing, plan, record, whoami, words
from cards.form import open_button
from cards.frame import Button
from cards.parts import Fact, Named
from cards.states import LOOKS
from cards.times import ago, exact


def listing_card(outcome: Listing) -> listing.Listing:
    """Return one page of a list, with buttons that read."""
    kind = outcome.kind
    notes = [words.cut(outcome.seen)] if outcome.is_cut else []
    records = told_apart((kind.name_of(v), shown(v.get("id"))) for v in outcome.rows)
    return listing.Listing(
        title=kind.plural,
        rows=tuple(
            _row(outcome, values, record)
            for values, record in zip(outcome.rows, records, strict=True)
        ),
        page=outcome.page,
        pages=outcome.pages,
        total=outcome.total,
        filter=", ".join(f"{name} {value}" for name, value in outcome.filters),
        caution=caution_of(outcome.as_of, outcome.now),
        notes=tuple(notes),
        next_steps=_first_step(kind, records),
        buttons=(
            *_openers(outcome.offers, Effect.CREATE, form_words.NEW_BUTTON, {}),
            *page_buttons(outcome.command, outcome.page, has_more=outcome.page < outcome.pages),
            run_button(words.REFRESH_BUTTON, f"{outcome.command} --page {outcome.page}"),
        ),
    )


def _openers(
    offers: tuple[CommandSpec, ...], effect: Effect, title: str, inputs: Mapping[str, str]
) -> tuple[Button, ...]:
    """Return the button that opens the form of the first write with this effect, if any.

    One with a title of its own is what the card is most for; else the verb is the title.
    """
    fitting = [spec for spec in offers if spec.effect is effect]
    return tuple(
        open_button(
            title or form_words.opening(spec.verb), spec.permission, inputs, primary=bool(title)
        )
        for spec in fitting[:1]
    )


def _first_step(kind: ResourceKind, records: tuple[Named, ...]) -> tuple[str, ...]:
    if not records:
        return (f"/{kind.name} list",)
    return (f"/{kind.name} get {records[0].id or typed(records[0].name)}",)


def _row(outcome: Listing, values: Values, record: Named) -> listing.Row:
    kind = outcome.kind
    status, tone = status_of(kind, values, outcome.now)
    age, seen = seen_of(kind, values, outcome.now)
    columns = tuple(Fact(p.label, shown(values.get(p.name))) for p in kind.columns)
    return listing.Row(record.name, status, tone, columns, age, seen, record.id)


def record_card(outcome: Shown) -> record.Record:
    """Return one record, with what to mind about it."""
    kind, values = outcome.kind, outcome.values
    status, tone = status_of(kind, values, outcome.now)
    record_id = shown(values.get("id"))
    notes = []
    if kind.is_stale(values, outcome.now):
        is_seen = moment(values.get(kind.last_seen)) is not None
        notes.append(words.STALE if is_seen else words.NEVER_SEEN)
    if kind.retired and kind.is_retired(values):
        notes.append(words.NOTICES[kind.retired.notice][1])
    return record.Record(
        kind=kind.title,
        name=kind.name_of(values),
        status=status,
        tone=tone,
        facts=facts_of(kind, values, outcome.now),
        caution=caution_of(outcome.as_of, outcome.now),
        notes=tuple(notes),
        buttons=(
            *_openers(
                outcome.offers, Effect.UPDATE, form_words.CHANGE_BUTTON, {TARGET_ID: record_id}
            ),
            run_button(words.REFRESH_BUTTON, f"/{kind.name} get {record_id}"),
            run_button(words.HISTORY_BUTTON, f"/history {record_id}"),
            *_openers(outcome.offers, Effect.ACT, "", {TARGET_ID: record_id}),
        ),
    )


def plan_card(outcome: Planned) -> plan.Plan:
    """Return a plan and what to type to carry it out."""
    planned = outcome.plan
    return plan.Plan(
        title=title_of(planned),
        verb=planned.verb,
        target=planned.target_name,
        about=about_of(outcome.kind, planned, None),
        changes=changes_of(planned.changes),
        command=outcome.command,
        notes=terms_of(outcome.rule, lacks_reason=outcome.lacks_reason),
        targets=told_apart((item.target_name, item.target_id) for item in planned.items),
    )


def history_card(outcome: History) -> history.History:
    """Return one page of what was done."""
    return history.History(
        entries=tuple(_done(operation, outcome) for operation in outcome.rows),
        subject=outcome.target or "",
        page=outcome.page,
        buttons=page_buttons(outcome.command, outcome.page, has_more=outcome.has_more),
    )


def _done(done: Operation, outcome: History) -> history.Entry:
    word, tone = word_of(done), LOOKS[done.standing].tone
    when = f"{ago(done.created_at, outcome.now)} ({exact(done.created_at)})"
    return history.Entry(done.short, done.command, word, tone, done.actor.name, when)


def identity_card(outcome: WhoAmI) -> whoami.Identity:
    """Return who somebody is and where their roles come from."""
    return whoami.Identity(
        name=outcome.name,
        object_id=outcome.oid,
        tenant_id=outcome.tenant,
        grants=tuple(_grant(grant) for grant in outcome.grants),
    )


def _grant(grant: Grant) -> whoami.Grant:
    if grant.is_inherited:
        return whoami.Grant(grant.role, "role", grant.via)
    if grant.via == "person":
        return whoami.Grant(grant.role, "person")
    return whoami.Grant(grant.role, "group", grant.via)
