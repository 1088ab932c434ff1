"""One file per kind of resource the bot can run, and the list of them."""

from bot.domain.kinds.exchange import EXCHANGE
from bot.domain.resource import ResourceKind

KINDS: tuple[ResourceKind, ...] = (EXCHANGE,)
