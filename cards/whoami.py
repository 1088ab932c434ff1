"""The card of who somebody is to the bot, and where each role comes from."""

from dataclasses import dataclass
from typing import Literal

from cards import signs, words
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import Fact, facts, notes, sentence
from cards.signs import Tone
from cards.text import fill


@dataclass(frozen=True, slots=True)
class Grant:
    """A role and where it comes from: an Entra group, a name in the policy, or another role."""

    role: str
    via: Literal["group", "person", "role"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as the bot knows them."""

    name: str
    object_id: str
    tenant_id: str
    grants: tuple[Grant, ...]
    notes: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()


def render(identity: Identity, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of a person and their roles."""
    person = [
        Fact(words.NAME, identity.name),
        Fact(words.OBJECT_ID, identity.object_id),
        Fact(words.TENANT, identity.tenant_id),
    ]
    roles = [
        Fact(grant.role, fill(words.GRANTS[grant.via], {"name": grant.name}))
        for grant in identity.grants
    ]
    blocks = [
        facts(0, person),
        facts(1, roles, words.ROLES) if roles else sentence(words.NO_ROLES),
        notes(2, identity.notes),
    ]
    head = Head(Tone.NEUTRAL, signs.PERSON, words.WHOAMI_TITLE)
    return compose(head, blocks, place=place, stamp=stamp, buttons=identity.buttons)
