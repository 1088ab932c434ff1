"""Outcome -> card: pure and exhaustive, so that no way to end is left without an answer."""

from collections.abc import Callable
from typing import assert_never

from bot.domain.command import BOT, Catalogue, CommandSpec
from bot.domain.form import fields_of
from bot.domain.notices import Alarm, DeadLetters, Digest, Followup, Status, Watches, Watching
from bot.domain.offer import Form, Welcome
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
from bot.domain.rights import Entitled, Explanation
from bot.service.ports import Clock
from bot.teams.reply_form import form_card
from bot.teams.reply_operation import decision_notice, entry_of, operation_card
from bot.teams.reply_problem import ambiguity_card, denial_card, misreading_card
from bot.teams.reply_reading import (
    history_card,
    identity_card,
    listing_card,
    plan_card,
    record_card,
)
from bot.teams.reply_rights import answer_card, circle_card
from bot.teams.reply_toast import Brief, toast
from bot.teams.reply_values import arguments_of, caution_of, fault_of, notes_on, typed
from bot.teams.reply_watch import watch_reply
from bot.teams.reply_welcome import welcome_card
from cards import (
    form,
    help as help_cards,
    history,
    listing,
    notice,
    operation,
    plan,
    problem,
    record,
    refusal,
    rights,
    waiting,
    welcome,
    whoami,
    words,
)
from cards.frame import Place, Rendered, Stamp
from cards.parts import Fact
from cards.times import exact


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
            case Welcome() | Form():
                return self._offer(outcome, place)
            case Listing() | Shown() | Planned() | History() | WhoAmI():
                return self._answer(outcome, place)
            case Explanation():
                return rights.answer(answer_card(outcome), place, self._now())
            case Entitled():
                return rights.circle(circle_card(outcome), place, self._now())
            case Operated() | Decided() | Waiting():
                return self._operated(outcome, place)
            case Refused() | Paused():
                return self._refusal(outcome, place)
            case Misread() | NotFound() | Ambiguous() | GraphFailed() | Failed() | Noted():
                return self._problem(outcome, place)
            case (
                Alarm() | Followup() | Digest() | Watching() | Watches() | Status() | DeadLetters()
            ):
                return watch_reply(outcome, place, self._clock.now(), self._catalogue.kinds)
            case _:
                assert_never(outcome)

    def dialog(self, outcome: Outcome) -> Rendered:
        """Return the card of an outcome as it stands in a dialog."""
        if not isinstance(outcome, Form):
            return self.render(outcome)
        place = Place(self._cloud, self._tenant())
        return form.render(form_card(outcome), place, self._now(), is_dialog=True)

    def say(self, outcome: Brief) -> str:
        """Return the toast of an outcome."""
        return toast(outcome, words.place(self._cloud, self._tenant()))

    def _offer(self, outcome: Welcome | Form, place: Place) -> Rendered:
        match outcome:
            case Welcome():
                return welcome.render(welcome_card(outcome), place, Stamp())
            case Form():
                return form.render(form_card(outcome), place, self._now())
            case _:
                assert_never(outcome)

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
                notes=notes_on(spec, self._catalogue.kinds.get(spec.subject)),
                form=spec.permission if fields_of(spec, None) else "",
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
                return listing.render(listing_card(outcome), place, self._now())
            case Shown():
                return record.render(record_card(outcome), place, self._now())
            case Planned():
                return plan.render(plan_card(outcome), place, self._now())
            case History():
                return history.render(history_card(outcome), place, self._now())
            case WhoAmI():
                return whoami.render(identity_card(outcome), place, self._now())
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
                    tuple(entry_of(each) for each in outcome.to_decide),
                    tuple(entry_of(each) for each in outcome.asked),
                    outcome.more_to_decide,
                    outcome.more_asked,
                )
                return waiting.render(card, place, self._now())
            case _:
                assert_never(outcome)

    def _refusal(self, outcome: Refused | Paused, place: Place) -> Rendered:
        match outcome:
            case Refused(denied=denied):
                card = denial_card(denied)
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
                return problem.misread(misreading_card(outcome), place, self._now())
            case NotFound(kind=kind, target=target, near=near):
                missing = problem.Missing(
                    kind.title,
                    target,
                    suggestions=tuple(f"/{kind.name} get {typed(name)}" for name in near),
                    next_steps=(f"/{kind.name} list",),
                    caution=caution_of(outcome.as_of, self._clock.now()),
                    name=outcome.known_as,
                )
                return problem.not_found(missing, place, self._now())
            case Ambiguous():
                return problem.ambiguous(
                    ambiguity_card(outcome, self._clock.now()), place, self._now()
                )
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
        given = dict(details)
        facts = (Fact(words.REASON, given["reason"]),) if "reason" in given else ()
        shown = notice.Notice(code, details, facts=facts, twin=given.get("command", ""))
        return notice.render(shown, place, self._now())

    def _error(self, error_id: str) -> Stamp:
        return Stamp(at=exact(self._clock.now()), id=error_id, label=words.ERROR)


def _entry(spec: CommandSpec) -> help_cards.Entry:
    return help_cards.Entry(f"/{spec.title}", spec.summary)
