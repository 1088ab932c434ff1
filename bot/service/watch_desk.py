"""Where the commands of watching are handled, each by what knows it."""

from bot.domain.command import Command
from bot.domain.operation import Actor
from bot.domain.outcome import Outcome
from bot.domain.watch_commands import WATCH_COMMANDS
from bot.service.incidents import Incidents
from bot.service.letters import Letters
from bot.service.overview import Overviews
from bot.service.ports import Request
from bot.service.subscriptions import Subscriptions

VERBS = frozenset(spec.verb for spec in WATCH_COMMANDS)


class WatchDesk:
    """Handles the commands of `WATCH_COMMANDS` once they are allowed."""

    def __init__(
        self,
        *,
        incidents: Incidents,
        subscriptions: Subscriptions,
        overviews: Overviews,
        letters: Letters,
    ) -> None:
        self.incidents = incidents
        self._subscriptions = subscriptions
        self._overviews = overviews
        self._letters = letters

    async def handle(self, request: Request, command: Command, actor: Actor) -> Outcome | None:
        """Return what the command came to; None for a repeated activity."""
        match command.spec.verb:
            case "status":
                return await self._overviews.status()
            case "dead":
                return await self._letters.dead(request.actor.tenant)
            case "replay":
                return await self._letters.replay(request, command, actor)
            case "watches":
                return await self._subscriptions.listed(request, command)
            case "watch":
                return await self._subscriptions.watch(request, command, actor)
            case "unwatch":
                return await self._subscriptions.unwatch(request, command, actor)
            case _:
                return await self.incidents.handle(request, command, actor)
