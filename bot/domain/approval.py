"""A second person's consent: who may give it, how many are needed, until when, and for what exactly.

A vote counts for one revision of one plan. It is judged by the stricter of two policies: the one in
force when the request was made, and the one in force now.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.consent import ApprovalRule
from bot.domain.operation import Actor, State


class Decision(StrEnum):
    """What an approver says."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's decision on one revision."""

    person: Actor
    decision: Decision
    comment: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """What an operation waits for.

    `rule` is the one in force at the request; `fingerprint` is the plan's, on which the votes are
    cast; `execute_by` is set by the last vote needed. `votes` are those of the current revision,
    oldest first. `thread` and `reply_to` are where it was asked for: the decision is told there.
    """

    operation_id: str
    rule: ApprovalRule
    fingerprint: str
    revision: int
    expires_at: datetime
    thread: str
    reply_to: str | None
    execute_by: datetime | None = None
    votes: tuple[Vote, ...] = ()

    @property
    def consents(self) -> tuple[Vote, ...]:
        """The votes in favour."""
        return tuple(v for v in self.votes if v.decision is Decision.APPROVE)


class VoteDenial(StrEnum):
    """Why a vote does not count; each has one sentence in `cards.words`."""

    SELF = "vote-own"
    NOT_APPROVER = "vote-not-approver"
    OVER = "vote-over"
    EXPIRED = "vote-expired"
    OLD_REVISION = "vote-old-revision"
    TWICE = "vote-twice"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an approval takes, by the stricter of two rules."""

    approvers: frozenset[str]
    needed: int
    expires: timedelta
    execute_within: timedelta


def terms_of(then: ApprovalRule, now: ApprovalRule | None) -> Terms:
    """Return the stricter of the rule at the request and the rule now; None: none covers it now."""
    if now is None:
        return Terms(frozenset(then.approvers), then.needed, then.expires, then.execute_within)
    return Terms(
        frozenset(then.approvers) & frozenset(now.approvers),
        max(then.needed, now.needed),
        min(then.expires, now.expires),
        min(then.execute_within, now.execute_within),
    )


def deadline(approval: Approval, terms: Terms) -> datetime:
    """Return until when it can be decided, counted from the request or its last revision."""
    asked_at = approval.expires_at - approval.rule.expires
    return asked_at + min(terms.expires, approval.rule.expires)


@dataclass(frozen=True, slots=True)
class Ballot:
    """The state a vote meets: where the operation stands, who asked, what is asked for."""

    state: State
    asker: Actor
    approval: Approval
    terms: Terms


def judge_vote(
    ballot: Ballot, voter: Actor, *, roles: Iterable[str], revision: int | None, now: datetime
) -> VoteDenial | None:
    """Return why the vote does not count, or None when it does.

    `roles` are the voter's, read fresh; `revision` is the one the pressed card showed, None for a
    typed command, which means the current one.
    """
    if ballot.state is not State.WAITING:
        return VoteDenial.OVER
    if now >= deadline(ballot.approval, ballot.terms):
        return VoteDenial.EXPIRED
    if revision is not None and revision != ballot.approval.revision:
        return VoteDenial.OLD_REVISION
    if _key(voter) == _key(ballot.asker):
        return VoteDenial.SELF
    if not ballot.terms.approvers & set(roles):
        return VoteDenial.NOT_APPROVER
    if any(_key(vote.person) == _key(voter) for vote in ballot.approval.votes):
        return VoteDenial.TWICE
    return None


def is_decided(approval: Approval, terms: Terms) -> bool:
    """Whether enough distinct people have consented."""
    return len({_key(vote.person) for vote in approval.consents}) >= terms.needed


def standing(
    approval: Approval, terms: Terms, roles_now: Mapping[tuple[str, str], Iterable[str]]
) -> tuple[Vote, ...]:
    """Return the consents whose givers may still give them, by (tenant, object id)."""
    return tuple(
        vote
        for vote in approval.consents
        if terms.approvers & set(roles_now.get(_key(vote.person), ()))
    )


def _key(actor: Actor) -> tuple[str, str]:
    return actor.tenant.casefold(), actor.oid.casefold()
