"""A command's form as its card shows it."""

from bot.domain.form import EMPTY, FORM_ID, FORM_SEEN, Entry, Field, Problem
from bot.domain.offer import Form
from bot.domain.operation import Operation
from bot.domain.resource import Effect, ResourceKind, Values
from bot.teams.reply_operation import about_of, changes_of, title_of
from bot.teams.reply_rights import terms_of
from bot.teams.reply_targets import word_of
from bot.teams.reply_values import short_of, shown
from cards import form as card, form_words, words
from cards.text import exact, fill

ENTRIES = {
    Entry.TEXT: card.Entry.TEXT,
    Entry.NUMBER: card.Entry.NUMBER,
    Entry.TOGGLE: card.Entry.TOGGLE,
    Entry.CHOICE: card.Entry.CHOICE,
    Entry.OPERATION: card.Entry.CHOICE,
    Entry.RECORD: card.Entry.SEARCH,
}


def form_card(outcome: Form) -> card.Form:
    """Return the inputs of a form, with what is filled in and what is wrong."""
    spec = outcome.spec
    is_planned = outcome.plan is not None
    send = spec.verb.replace("-", " ").capitalize()
    return card.Form(
        name=spec.permission,
        title=spec.summary,
        send=send if is_planned or not spec.writes else form_words.SHOW_PLAN,
        inputs=tuple(_input(outcome, field) for field in outcome.fields),
        hidden=((FORM_ID, outcome.id), (FORM_SEEN, outcome.seen)),
        note=form_words.STAYS if spec.effect is Effect.UPDATE else "",
        twins=outcome.twins or (spec.usage,),
        problems=tuple(_sentence(p) for p in outcome.problems if not p.field),
        preview=_preview(outcome),
    )


def _preview(outcome: Form) -> card.Preview | None:
    plan, kind = outcome.plan, outcome.kind
    if plan is None or kind is None:
        return None
    return card.Preview(
        title_of(plan),
        plan.target_name,
        changes_of(plan.changes),
        terms_of(outcome.rule),
        about_of(kind, plan, None),
    )


def _input(outcome: Form, field: Field) -> card.Input:
    problem = next((p for p in outcome.problems if p.field == field.id), None)
    is_search = field.entry is Entry.RECORD
    record, kind = outcome.record or {}, outcome.kind
    return card.Input(
        id=field.id,
        label=field.label,
        about=field.about,
        entry=ENTRIES[field.entry],
        value=outcome.values.get(field.id, field.default),
        choices=_choices(outcome, field),
        is_required=field.is_required,
        pattern=field.pattern,
        wrong=form_words.wrong_input(
            field.label, may_lack=field.is_required, may_misfit=bool(field.pattern)
        ),
        problem=_sentence(problem) if problem else "",
        now=shown(record.get(field.name)) if outcome.kind and not is_search else "",
        dataset=kind.name if kind and is_search else "",
    )


def _choices(outcome: Form, field: Field) -> tuple[card.Option, ...]:
    if field.entry is Entry.RECORD and outcome.kind is not None:
        return tuple(option_of(outcome.kind, values) for values in choosable(outcome.records))
    if field.entry is Entry.OPERATION:
        return tuple(_meant(operation) for operation in outcome.operations)
    return tuple(
        card.Option(form_words.EMPTY_IT if choice == EMPTY else choice, choice)
        for choice in field.choices
    )


def _meant(operation: Operation) -> card.Option:
    done = form_words.done(operation.short, operation.command, word_of(operation))
    return card.Option(done, operation.short)


def choosable(records: tuple[Values, ...]) -> tuple[Values, ...]:
    """Return the records whose id arrives as it is sent; others have to be typed."""
    ids = ((values, shown(values.get("id"))) for values in records)
    return tuple(
        values for values, record_id in ids if record_id and exact(record_id) == record_id
    )


def option_of(kind: ResourceKind, values: Values) -> card.Option:
    """Return a record as something to choose: its name, its status and the start of its id."""
    record_id = shown(values.get("id"))
    status = shown(values.get(kind.status)) or words.NOT_SET
    return card.Option(
        form_words.choice(kind.name_of(values), status, short_of(record_id)), record_id
    )


def _sentence(problem: Problem) -> str:
    notice = words.NOTICES.get(problem.code, ("", problem.code))
    text = form_words.PROBLEMS.get(problem.code) or words.MISREADINGS.get(problem.code)
    return fill(text or notice[1], dict(problem.details))
