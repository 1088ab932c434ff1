"""Outcome -> card: pure and exhaustive, so that no way to end is left without an answer."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import assert_never

from bot.domain.command import BOT, Catalogue, CommandSpec
from bot.domain.operation import Operation, State
from bot.domain.outcome import (
    Ambiguous,
    Decided,
    Failed,
    GraphFailed,
    History,
    Listing,
    Manual,
    Misread,
    Noted,
    NotFound,
    Operated,
    Outcome,
    Overview,
    Paused,
    Planned,
    Refused,
    Shown,
    Waiting,
    WhoAmI,
)
from bot.domain.policy import Denial, Denied, Grant
from bot.domain.resource import ResourceKind, Values, moment
from bot.service.ports import Clock
from bot.teams.reply_operation import (
    changes_of,
    decision_notice,
    operation_card,
    target_of,
    title_of,
)
from bot.teams.reply_toast import Brief, toast
from bot.teams.reply_values import (
    arguments_of,
    facts_of,
    fault_of,
    run_button,
    seen_of,
    shown,
    status_of,
)
from cards import (
    help as help_cards,
    history,
    listing,
    notice,
    operation,
    plan,
    problem,
    record,
    refusal,
    waiting,
    whoami,
    words,
)
from cards.frame import Button, Place, Rendered, Stamp
from cards.parts import Fact
from cards.signs import Tone
from cards.times import ago, exact

STATE_TONES: Mapping[State, Tone] = MappingProxyType(
    {
        State.DONE: Tone.GOOD,
        State.FAILED: Tone.CRITICAL,
        State.REJECTED: Tone.CRITICAL,
        State.UNKNOWN: Tone.WARNING,
        State.STALE: Tone.WARNING,
        State.WAITING: Tone.WARNING,
    }
)


class Replies:
    """Renders outcomes. `tenant` returns the tenant's name, or a short id while it is unknown."""

    def __init__(
        self, *, catalogue: Catalogue, clock: Clock, cloud: str, tenant: Callable[[], str]
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._cloud = cloud
        self._tenant = tenant

    def render(self, outcome: Outcome) -> Rendered:
        """Return the card of an outcome."""
        place = Place(self._cloud, self._tenant())
        match outcome:
            case Overview() | Manual():
                return self._help(outcome, place)
            case Listing() | Shown() | Planned() | History() | WhoAmI():
                return self._answer(outcome, place)
            case Operated() | Decided() | Waiting():
                return self._operated(outcome, place)
            case Refused() | Paused():
                return self._refusal(outcome, place)
            case Misread() | NotFound() | Ambiguous() | GraphFailed() | Failed() | Noted():
                return self._problem(outcome, place)
            case _:
                assert_never(outcome)

    def say(self, outcome: Brief) -> str:
        """Return the toast of an outcome."""
        return toast(outcome, words.place(self._cloud, self._tenant()))

    def _now(self) -> Stamp:
        return Stamp(at=exact(self._clock.now()))

    def _help(self, outcome: Overview | Manual, place: Place) -> Rendered:
        if isinstance(outcome, Manual):
            spec = outcome.spec
            card = help_cards.Manual(
                command=f"/{spec.title}",
                summary=spec.summary,
                usage=spec.usage,
                permission=spec.permission,
                arguments=arguments_of(spec),
                examples=spec.examples,
                roles=() if spec.is_open else outcome.roles,
            )
            return help_cards.manual(card, place, Stamp())
        sections = tuple(
            help_cards.Section(title, tuple(_entry(s) for s in outcome.specs if s.subject == name))
            for name, title in (
                *((kind.name, kind.plural) for kind in self._catalogue.kinds.values()),
                (BOT, words.BOT_SECTION),
            )
            if any(s.subject == name for s in outcome.specs)
        )
        example = outcome.specs[0].title if outcome.specs else "help"
        card_values = help_cards.Overview(sections, outcome.roles, example, outcome.is_complete)
        return help_cards.overview(card_values, place, Stamp())

    def _answer(
        self, outcome: Listing | Shown | Planned | History | WhoAmI, place: Place
    ) -> Rendered:
        match outcome:
            case Listing():
                return listing.render(_listing(outcome), place, self._now())
            case Shown():
                return record.render(_record(outcome), place, self._now())
            case Planned():
                return plan.render(_plan(outcome), place, self._now())
            case History():
                return history.render(_history(outcome), place, self._now())
            case WhoAmI():
                return whoami.render(_identity(outcome), place, self._now())
            case _:
                assert_never(outcome)

    def _operated(self, outcome: Operated | Decided | Waiting, place: Place) -> Rendered:
        now = self._clock.now()
        match outcome:
            case Operated(operation=done):
                stamp = Stamp(at=exact(now), id=done.short, twin=f"/history {done.short}")
                return operation.render(operation_card(outcome), place, stamp)
            case Decided(operation=done, approval=approval):
                stamp = Stamp(at=exact(now), id=done.short, twin=f"/history {done.short}")
                return notice.render(decision_notice(done, approval), place, stamp)
            case Waiting():
                card = waiting.Waiting(
                    tuple(_waiting(each) for each in outcome.to_decide),
                    tuple(_waiting(each) for each in outcome.asked),
                )
                return waiting.render(card, place, self._now())
            case _:
                assert_never(outcome)

    def _refusal(self, outcome: Refused | Paused, place: Place) -> Rendered:
        match outcome:
            case Refused(denied=denied):
                card = _denial(denied)
            case Paused(who=who, since=since, reason=reason):
                card = refusal.Refusal(
                    "paused" if who else "read-only",
                    "",
                    "",
                    who=who,
                    since=exact(since) if since else "",
                    reason=reason or "",
                )
            case _:
                assert_never(outcome)
        return refusal.render(card, place, self._now())

    def _problem(
        self,
        outcome: Misread | NotFound | Ambiguous | GraphFailed | Failed | Noted,
        place: Place,
    ) -> Rendered:
        match outcome:
            case Misread():
                return problem.misread(_misreading(outcome), place, self._now())
            case NotFound(kind=kind, target=target, near=near):
                missing = problem.Missing(
                    kind.title,
                    target,
                    suggestions=tuple(f"/{kind.name} get {_word(name)}" for name in near),
                    next_steps=(f"/{kind.name} list",),
                )
                return problem.not_found(missing, place, self._now())
            case Ambiguous():
                return problem.ambiguous(_ambiguity(outcome), place, self._now())
            case GraphFailed(fault=fault, retry_after_s=retry, error_id=error_id):
                return problem.graph(
                    problem.GraphProblem(fault_of(fault, retry)),
                    place,
                    self._error(error_id),
                )
            case Failed(code=code, error_id=error_id):
                return problem.failure(problem.Failure(code), place, self._error(error_id))
            case Noted(code="slow-down"):
                card = refusal.Refusal("slow-down", "", "")
                return refusal.render(card, place, self._now())
            case Noted(code=code, details=details):
                return self._note(code, details, place)
            case _:
                assert_never(outcome)

    def _note(self, code: str, details: tuple[tuple[str, str], ...], place: Place) -> Rendered:
        twin = dict(details).get("command", "")
        return notice.render(notice.Notice(code, details, twin=twin), place, self._now())

    def _error(self, error_id: str) -> Stamp:
        return Stamp(at=exact(self._clock.now()), id=error_id, label=words.ERROR)


def _waiting(shown: Operated) -> waiting.Entry:
    done, approval = shown.operation, shown.approval
    lapses = exact(approval.expires_at) if approval else ""
    return waiting.Entry(done.short, done.command, done.actor.name, lapses)


def _entry(spec: CommandSpec) -> help_cards.Entry:
    return help_cards.Entry(f"/{spec.title}", spec.summary)


def _word(name: str) -> str:
    return f'"{name}"' if " " in name else name


def _listing(outcome: Listing) -> listing.Listing:
    kind = outcome.kind
    notes = [words.cut(outcome.seen)] if outcome.is_cut else []
    return listing.Listing(
        title=kind.plural,
        rows=tuple(_row(outcome, values) for values in outcome.rows),
        page=outcome.page,
        pages=outcome.pages,
        total=outcome.total,
        filter=", ".join(f"{name} {value}" for name, value in outcome.filters),
        notes=tuple(notes),
        next_steps=_first_step(kind, outcome.rows),
        buttons=(
            *_pages(outcome.command, outcome.page, has_more=outcome.page < outcome.pages),
            run_button(words.REFRESH_BUTTON, f"{outcome.command} --page {outcome.page}"),
        ),
    )


def _first_step(kind: ResourceKind, rows: tuple[Values, ...]) -> tuple[str, ...]:
    if not rows:
        return (f"/{kind.name} list",)
    return (f"/{kind.name} get {_word(kind.name_of(rows[0]))}",)


def _row(outcome: Listing, values: Values) -> listing.Row:
    kind = outcome.kind
    status, tone = status_of(kind, values, outcome.now)
    age, seen = seen_of(kind, values, outcome.now)
    columns = tuple(Fact(p.label, shown(values.get(p.name))) for p in kind.columns)
    return listing.Row(kind.name_of(values), status, tone, columns, age, seen)


def _pages(command: str, page: int, *, has_more: bool) -> tuple[Button, ...]:
    buttons = []
    if page > 1:
        buttons.append(run_button(words.PREVIOUS_BUTTON, f"{command} --page {page - 1}"))
    if has_more:
        buttons.append(run_button(words.NEXT_BUTTON, f"{command} --page {page + 1}"))
    return tuple(buttons)


def _record(outcome: Shown) -> record.Record:
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
        notes=tuple(notes),
        buttons=(
            run_button(words.REFRESH_BUTTON, f"/{kind.name} get {record_id}"),
            run_button(words.HISTORY_BUTTON, f"/history {record_id}"),
        ),
    )


def _plan(outcome: Planned) -> plan.Plan:
    planned = outcome.plan
    return plan.Plan(
        title=title_of(planned),
        verb=planned.verb,
        target=target_of(outcome.kind, planned, None),
        changes=changes_of(planned.changes),
        command=outcome.command,
        targets=tuple(item.target_name for item in planned.items),
    )


def _history(outcome: History) -> history.History:
    return history.History(
        entries=tuple(_done(operation, outcome) for operation in outcome.rows),
        subject=outcome.target or "",
        page=outcome.page,
        buttons=_pages(outcome.command, outcome.page, has_more=outcome.has_more),
    )


def _done(done: Operation, outcome: History) -> history.Entry:
    word = words.STATES[done.state.value][0]
    tone = STATE_TONES.get(done.state, Tone.NEUTRAL)
    when = f"{ago(done.created_at, outcome.now)} ({exact(done.created_at)})"
    return history.Entry(done.short, done.command, word, tone, done.actor.name, when)


def _identity(outcome: WhoAmI) -> whoami.Identity:
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


def _denial(denied: Denied) -> refusal.Refusal:
    grantors = (words.GRANTORS,) if denied.reason is Denial.NO_RULE else ()
    return refusal.Refusal(
        code=denied.reason.value,
        command="",
        permission=denied.permission,
        rule=denied.rule,
        needed=denied.roles,
        held=denied.held,
        grantors=grantors,
    )


def _misreading(outcome: Misread) -> problem.Misreading:
    return problem.Misreading(
        code=outcome.code,
        text=outcome.text,
        start=outcome.start,
        end=outcome.end,
        details=outcome.details,
        usage=outcome.spec.usage if outcome.spec else "",
        suggestions=tuple(f"/{title}" for title in outcome.suggestions),
    )


def _ambiguity(outcome: Ambiguous) -> problem.Ambiguity:
    kind = outcome.kind
    candidates = []
    for values, command in zip(outcome.candidates, outcome.commands, strict=True):
        status, tone = status_of(kind, values, None)
        name, record_id = kind.name_of(values), shown(values.get("id"))
        candidates.append(problem.Candidate(name, record_id, status, tone, command))
    buttons = (
        tuple(
            run_button(f"{kind.name_of(values)} {shown(values.get('id'))[:8]}", command)
            for values, command in zip(outcome.candidates, outcome.commands, strict=True)
        )
        if outcome.reads_only
        else ()
    )
    return problem.Ambiguity(kind.title, outcome.target, tuple(candidates), buttons)
