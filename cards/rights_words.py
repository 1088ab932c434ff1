"""The sentences about rights: yes and no, by which rule, and whose consent it takes."""

from typing import Final

YES: Final = "Yes, you may"
NO: Final = "No, you may not"
IT_DEPENDS: Final = "It depends"
WHO_CAN: Final = "Who may run it"
AT_ONCE: Final = "It would run at once."
DEPENDS_ON: Final = "It depends on the {row}."
DEPENDS: Final = "Typing it is open to all; what it names decides who may have it done."
DERIVES: Final = (
    "What it comes to is judged as if that had been typed: it runs at once, waits for consent or is "
    "refused."
)
AFTER_CONSENT: Final = "It would wait for somebody else's consent first."
CONSENT: Final = "It takes {needed} of: {roles}, within {within}. The one who asks never counts."
REASON_WANTED: Final = 'The policy wants a reason: add --reason "…" to it.'
PERMISSION: Final = "Permission"
BY_ROLE: Final = "By role"
BY_GROUP: Final = "group {id}"
BY_NAME: Final = "person {id}"
IN_FULL: Final = "Their ids in Entra"
BY_NOBODY: Final = "no group and nobody by name; only through roles that inherit it"
EVERYBODY: Final = "Everybody whom the tenant lets in may run it."
NOBODY: Final = "No role of the policy allows it."
SHUT_OUT: Final = "In this conversation nobody may: a guardrail keeps it out."
