"""What could not be delivered, as its card shows it: what it was, where to, and why not."""

from datetime import datetime

from bot.domain.incident import Incident
from bot.domain.notices import DeadLetter, DeadLetters
from bot.domain.operation import Operation
from bot.domain.subscription import Subscription
from bot.teams.reply_incident import headline_of
from bot.teams.reply_subscription import filter_of
from cards import dead as card, letter_words
from cards.text import fill, joined
from cards.times import since


def dead_card(outcome: DeadLetters) -> card.Dead:
    """Return what could not be delivered, and how to try again what was not just asked for."""
    left = outcome.total if outcome.is_part else None
    is_asked = outcome.replayed is not None and not outcome.is_part
    notes = () if outcome.replayed is None else (letter_words.replayed(outcome.replayed, left),)
    return card.Dead(
        letters=tuple(_letter(row, outcome.now) for row in outcome.rows),
        total=outcome.total,
        notes=notes,
        next_steps=(letter_words.REPLAY_ALL,) if outcome.rows and not is_asked else (),
    )


def _letter(row: DeadLetter, now: datetime) -> card.Letter:
    tried = letter_words.attempts(row.attempts)
    return card.Letter(
        about=_about(row),
        where=fill(letter_words.WHERE, {"where": row.where}) if row.where else "",
        reason=letter_words.reason(row.reason),
        remark=joined((tried, since(row.since, now))),
        doubt=letter_words.MAY_HAVE_ARRIVED if row.is_doubtful else "",
        twin=fill(letter_words.REPLAY, {"id": str(row.id)}),
    )


def _about(row: DeadLetter) -> str:
    sentence = letter_words.TOPICS[row.topic]
    match row.subject:
        case Incident() as incident:
            what = headline_of(incident, row.kind)
            return fill(sentence, {"id": incident.short, "what": what})
        case Operation() as operation:
            return fill(sentence, {"id": operation.short, "what": operation.command})
        case Subscription() as subscription:
            return fill(sentence, {"what": filter_of(subscription, row.kind)})
        case None:
            return sentence
