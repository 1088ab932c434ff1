"""What waits for consent, as each person may see it; nothing here changes anything."""

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.approval import Approval, Ballot, Terms, deadline, judge_vote, terms_of
from bot.domain.command import Catalogue, CommandSpec
from bot.domain.operation import Actor, Operation
from bot.domain.outcome import Noted, Operated, Outcome, View, Waiting
from bot.domain.policy import Person, Policy, grants_of, rule_of, shut_out
from bot.service.ports import Docket, Matter, Request, World

SHOWN = 20


class Pending:
    """Shows operations to one person, with such votes as would count."""

    def __init__(self, world: World, *, catalogue: Catalogue) -> None:
        self._store = world.store
        self._clock = world.clock
        self._catalogue = catalogue

    def terms(self, policy: Policy, operation: Operation, approval: Approval) -> Terms:
        """Return what the approval takes now."""
        count = len(operation.plan.items)
        return terms_of(approval.rule, rule_of(policy, self._spec(operation), count))

    def _spec(self, operation: Operation) -> CommandSpec:
        return self._catalogue.by_permission[f"{operation.plan.kind}:{operation.plan.verb}"]

    async def seen_by(
        self, request: Request, operation_id: str, person: Person | None, policy: Policy
    ) -> Outcome:
        """Return the operation of that full id as the one who asks is to see it.

        Who is not let in, or has roles that cannot be read (None), has no vote and is shown only
        what stands before them anyway: the card of the conversation they are in.
        """
        operation = await self._store.operation(operation_id)
        card = await self._store.card(operation_id)
        is_here = card is not None and card.reference.root == request.reference.root
        if operation is None or operation.actor.tenant != request.actor.tenant:
            person = None
        if person is not None and shut_out(policy, person):
            person = None
        if operation is None or not (is_here or person):
            return Noted("lapsed")
        approval = await self._store.approval(operation.id)
        if approval is None:
            return Operated(self._catalogue.kinds[operation.plan.kind], operation)
        roles = tuple(grant.role for grant in grants_of(policy, person)) if person else ()
        shown = self.operated(policy, operation, approval, viewer=request.actor, roles=roles)
        return replace(shown, is_unseen=card is not None and card.reference.is_personal)

    async def waiting(self, person: Person, policy: Policy) -> Waiting:
        """Return what the person may decide, and what they asked for, the most urgent first."""
        roles = tuple(grant.role for grant in grants_of(policy, person))
        viewer = Actor(person.tenant, person.oid, person.name)
        who = (person.tenant, person.oid)
        now = self._clock.now()
        matters = await self._store.matters(person.tenant)
        dockets = [each for matter in matters for each in self._dockets(policy, matter, roles)]
        others = await self._store.to_decide(who, dockets, SHOWN, now=now)
        mine = await self._store.asked_by(who, SHOWN)
        to_decide, asked = (
            tuple(self.operated(policy, *row, viewer=viewer, roles=roles) for row in waits.rows)
            for waits in (others, mine)
        )
        return Waiting(
            # The vote itself is the judge: what it would refuse is not offered, however it was found.
            tuple(shown for shown in to_decide if shown.view is View.APPROVER),
            asked,
            others.more,
            mine.more,
            now,
        )

    def _dockets(self, policy: Policy, matter: Matter, roles: tuple[str, ...]) -> Sequence[Docket]:
        """Return which requests of the matter these roles may decide, and for how long."""
        spec = self._catalogue.by_permission.get(f"{matter.kind}:{matter.verb}")
        limit, found = policy.bulk_limit, []
        for fewest, most in ((0, limit), (limit + 1, None)):
            rule = rule_of(policy, spec, most or fewest) if spec else None
            deciders = set(matter.approvers) & set(rule.approvers if rule else matter.approvers)
            if deciders & set(roles):
                found.append(Docket(matter, fewest, most, rule.expires if rule else None))
        if len({docket.within for docket in found}) < len(found):
            return [replace(found[0], most=None)]
        return found

    def operated(
        self,
        policy: Policy,
        operation: Operation,
        approval: Approval,
        *,
        viewer: Actor,
        roles: tuple[str, ...],
    ) -> Operated:
        """Return an operation in the view of one person, with the deadline by which votes count."""
        terms = self.terms(policy, operation, approval)
        ballot = Ballot(operation.state, operation.actor, approval, terms)
        denial = judge_vote(ballot, viewer, roles=roles, revision=None, now=self._clock.now())
        view = View.OTHER if denial else View.APPROVER
        if (operation.actor.tenant, operation.actor.oid) == (viewer.tenant, viewer.oid):
            view = View.ASKER
        kind = self._catalogue.kinds[operation.plan.kind]
        until = deadline(approval, terms)
        return Operated(kind, operation, replace(approval, expires_at=until), view)
