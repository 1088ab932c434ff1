"""Every sentence, label and title people read. A second language is one more file like this.

Sentences are calm, exact and short: what happened, the one reason, what to do now. They are plain
text; `cards.elements` makes the values in them safe when they are drawn.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cards.text import plain
from cards.watch_words import WATCH_NOTICES

NOT_SET: Final = "(not set)"
ARROW: Final = "  →  "
DOT: Final = "  ·  "
COLON: Final = ":"
NOTE_MARK: Final = "💡"

# Labels

OPERATION, ERROR, REFERENCE = "Operation", "Error", "Reference"
COMMAND, VERB, TARGET, REASON = "Command", "Verb", "Target", "Reason"
STATUS, SAID, OBSERVED, RULE, HELD, NEEDED = (
    "Status",
    "Graph says",
    "Observed",
    "Rule",
    "Your roles",
    "Role needed",
)
PAUSED_BY, SINCE, HOLDERS, WHO_MAY = "Paused by", "Since", "Roles", "Who may run it"
GRANTED_BY, REQUEST_ID, CLIENT_REQUEST_ID = "Who can help", "Graph request", "Our request"
KIND: Final = "Kind"
NAME, OBJECT_ID, TENANT, ROLES = "Name", "Object id", "Tenant", "Roles"
USAGE, ARGUMENTS, EXAMPLES, PERMISSION = "Usage", "Arguments", "Examples", "Permission"
CHANGES, DIFFERENCES, STEPS, CANDIDATES = "Changes", "Asked for, and found", "Steps", "Which one?"
DID_YOU_MEAN, TYPE_THIS, NOTES, HINTS = "Did you mean", "Type this", "Notes", "What may help"

DRIFT: Final = "When it was asked for, and now"

STEPS_TAKEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "requested": "Requested",
        "consent": "Approval",
        "approve": "Approved by",
        "reject": "Rejected by",
        "accepted": "Accepted by Graph",
        "observed": "Observed",
        "resolved": "Resolved by a person",
        "ended": "Ended",
    }
)

# Operations: the word for a state and the sentence below; `done` also by what was observed

STATES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "waiting": ("waiting for approval", "Nothing has been changed yet."),
        "approved": ("approved", "It will run once a last look at Graph allows it."),
        "executing": ("running", "It is on its way to Graph. This card will show the result."),
        "done": ("done", "Graph accepted it."),
        "done:pending": ("accepted, watching", "Whether it really happened is being watched."),
        "done:confirmed": ("done", "Graph accepted it, and reading back confirms it."),
        "done:unmoved": (
            "accepted, not seen to happen",
            "Graph accepted it, but nothing was seen to move in time. Do not take it as done.",
        ),
        "done:differs": (
            "accepted, found different",
            "Graph accepted it, but reading back shows something else than was asked for.",
        ),
        "done:unread": (
            "accepted, not verified",
            "Graph accepted it, but it could not be read back.",
        ),
        "done:partly": (
            "done in part",
            "It was done for some of the targets. For the others it was not, or that is not known.",
        ),
        "done:partly-pending": (
            "accepted in part, watching",
            "Graph accepted it for some of the targets. Whether it really happened to these is "
            "being watched.",
        ),
        "failed": ("failed", "It did not end as asked for, and it is not tried again by itself."),
        "done:found": (
            "done",
            "Graph's answer was lost, and reading back shows it as it was asked for.",
        ),
        "unknown:unmoved": (
            "outcome unknown",
            "Graph accepted it, but it is not seen to have happened. Look before you ask again.",
        ),
        "unknown": (
            "outcome unknown",
            "It was sent and no answer came back: it may or may not have happened. "
            "It is not repeated by itself.",
        ),
        "rejected": ("rejected", "Nothing was changed."),
        "expired": ("expired", "Its time ran out. Nothing was changed."),
        "cancelled": ("cancelled", "Nothing was changed."),
        "stale": (
            "out of date",
            "A last look before it was to run found something different. Nothing was changed.",
        ),
    }
)

OUTCOMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "was-gone": "The target did not exist any more, so there was nothing left to delete.",
        "lost-answer": "The connection broke before Graph's answer arrived.",
        "interrupted": "The bot stopped in the middle of it.",
        "graph-refused": "Graph refused it.",
        "graph-unavailable": "Graph could not be reached or was too busy. Nothing was changed.",
        "paused": "Writes were paused before it ran.",
        "target-changed": "The target changed since the plan was made.",
        "rights-changed": "Somebody's rights changed since the plan was made.",
        "graph": "Graph did not carry it out.",
        "answer-lost": "What stands there now is what was asked for.",
        "all-failed": "None of the targets was changed as asked.",
        "some-failed": "Not every target was changed as asked: look at each.",
        "undecided": "Not enough people decided in time.",
        "execute-late": "It was approved, but did not run within the time allowed.",
        "approver-rights-lost": "Somebody who approved it may not do so any more.",
        "consent-late": "It was approved later than the policy allows by now.",
        "equal-exists": "An equal record exists by now, so no second one was created.",
        "plan-differs": "The plan is not the one that was voted on.",
        "unreadable": "Graph could not be read afterwards, so the outcome is not known.",
        "unseen": "Reading back, nothing was seen of it. It may still arrive: look before "
        "you ask for it again.",
        "several-found": "More than one record fits what was asked for.",
        "target-gone": "The target does not exist any more.",
        "changed-meanwhile": "Somebody else changed the target in the meantime.",
        "not-applied": "Reading back shows that it was not carried out.",
        "rights-lost": "The person who asked is not allowed to any more.",
        "rights-unread": "The rights of the person who asked could not be read again.",
    }
)

# Refusals

DENIALS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "no-rule": "None of your roles allows {permission}.",
        "deny-rule": "A rule denies {permission} to one of your roles, and a denial always wins.",
        "guardrail": "This conversation allows only {rule}, whatever the role.",
        "guest": "You are a guest here. Guests may not use this bot in this tenant.",
        "foreign": "You are of another tenant. Your account belongs to a tenant that is not let in.",
        "disabled": "Your account is disabled in the directory.",
        "directory": "Your roles could not be read just now, so they count as none.",
        "approval": "{permission} waits for somebody else's consent, "
        "and this bot cannot ask for it yet.",
        "paused": "All writes are paused.",
        "read-only": "This bot is set to read only.",
        "slow-down": "Too many commands in a short time.",
    }
)

REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "no-rule": "Ask an administrator of the bot for one of the roles above.",
        "deny-rule": "Ask an administrator of the bot if you think the rule is wrong.",
        "guardrail": "Use a private chat with the bot, or another channel.",
        "guest": "Ask a member of the team to run it, or an administrator of the bot to let guests in.",
        "foreign": "Ask a member of the team to run it, or an administrator of the bot to let your "
        "tenant in.",
        "disabled": "Ask your directory's administrator.",
        "directory": "Try again in a minute. If it goes on, quote the id below.",
        "approval": "Nothing was changed. Ask somebody whose role needs no consent to run it.",
        "paused": "Reading still works. Writing goes on after /resume by somebody allowed to.",
        "read-only": "Reading still works. The operator of the bot can lift it.",
        "slow-down": "Wait {wait} and send it once.",
    }
)

REFUSAL_TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "paused": "Writes are paused",
        "read-only": "Read only",
        "slow-down": "Slow down, please",
        "approval": "Needs approval",
        "directory": "Roles could not be read",
    }
)
REFUSED: Final = "Not allowed"
DENIED_OTHERWISE: Final = "The policy does not allow {permission} to you here."
A_MOMENT: Final = "a moment"
NONE_HELD: Final = "none"
NOTHING_CHANGED: Final = "Nothing was changed."

# Lists, plans, people

EMPTY: Final = "There is nothing here yet."
EMPTY_FILTERED: Final = "Nothing matches this filter."
FILTERED: Final = "Only: {filter}"
PLANNED: Final = "Plan: {what}"
RUN_IT: Final = "To really run it, type:"
NO_ROLES: Final = "You have no role here. /help works for everybody."
GRANTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "group": "through group {name}",
        "person": "given to you by name",
        "role": "comes with {name}",
    }
)
WHOAMI_TITLE: Final = "Who you are here"
HISTORY_TITLE: Final = "What was done"
HISTORY_OF: Final = "What was done: {subject}"
PAGE: Final = "Page {page}"
NOTHING_DONE: Final = (
    "There is no operation {subject}, and nothing is recorded of a record with this name or id. "
    "An operation's id is four or more letters and digits, like 7F3K, and stands at the foot of "
    "its card."
)
HISTORY_COMMAND: Final = "/history"
NO_HISTORY: Final = "Nothing is recorded here, or the history ends before this page."
HELP_TITLE: Final = "What you can do here"
HELP_MORE: Final = "More about one command:"
HELP_MORE_COMMAND: Final = "/help {example}"
ALSO: Final = "{also} is another word for {command}."
LIKE_CREATE: Final = "It does what {command} does, or posts a reference where the bot is set to."
HELP_PARTIAL: Final = "Your roles could not be read, so this is only what everybody may run."
OPEN_TO_ALL: Final = "everybody who is let in"
RESOLVE: Final = "Look at the target itself, then record what you found:"
RESOLVE_COMMANDS: Final = ("/resolve {id} done", "/resolve {id} failed")

# Commands that could not be understood

MISREADINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unknown-command": "There is no command {token}.",
        "unknown-verb": "{kind} has no verb {token}.",
        "verb-missing": "{kind} needs a verb: what should be done?",
        "unknown-option": "There is no option {token} here.",
        "unknown-property": "There is no property {token} that can be set.",
        "unknown-filter": "It cannot be filtered by {token}.",
        "bad-choice": "{token} is not one of: {choices}.",
        "bad-value": "{token} is not a value that fits here.",
        "bad-number": "{token} is not a number that fits here.",
        "bad-duration": "{token} is not a length of time such as 90s, 36h or 400d.",
        "bad-email": "{token} is not a mail address.",
        "bad-sort": "It cannot be sorted by {token}. It can be by: {names}.",
        "value-missing": "{token} needs a value.",
        "value-unwanted": "{token} takes no value.",
        "changes-unwanted": "This command sets no properties, so {token} has no place here.",
        "property-kept": "{token} is kept by the service and cannot be set.",
        "argument-missing": "Something is missing: {name}.",
        "target-missing": "It does not say which one.",
        "changes-missing": "It does not say what to change. Write name=value.",
        "identity-missing": "A new one needs a name: at least one of {names}.",
        "nothing-to-change": "{name} already looks like that.",
        "too-many-words": "{token} is one word too many. Put quotes around values with spaces.",
        "value-apart": "{token} is a property: write {name}=value, without a space.",
        "open-quote": "A quotation mark is never closed.",
        "glued-quote": "After a closing quotation mark comes a space, not {token}.",
        "repeated": "{token} is given twice.",
        "empty": "There is no command in this message.",
        "too-long": "The message is longer than {limit} characters.",
    }
)
MISREAD: Final = "That is not a command I understand."
MISREAD_TITLE: Final = "Not understood"
SEE_HELP: Final = "Type /help for what you can do here."
NOT_FOUND_TITLE: Final = "Not found"
NOT_FOUND: Final = "No {kind} is called {target}, by name or by id."
GONE: Final = "The {kind} with the id {target} is gone, or there never was one."
GONE_BY_NAME: Final = "The {kind} {name} is gone. Its id was {target}."
AMBIGUOUS: Final = "More than one {kind} fits {target}."

# Graph

GRAPH_TITLES: Final[Mapping[int, str]] = MappingProxyType(
    {
        0: "Graph could not be reached",
        401: "Graph did not accept the bot's sign-in",
        403: "Graph does not allow this",
        404: "Graph does not know this",
        409: "Graph reports a conflict",
        412: "It changed in the meantime",
        429: "Graph is busy",
        503: "Graph is not available",
        504: "Graph took too long",
    }
)
RETRY: Final = "Try again {when}."
GRAPH_TITLE: Final = "Graph reported an error"
GRAPH_HINTS: Final[Mapping[int, tuple[str, ...]]] = MappingProxyType(
    {
        0: ("Try again in a minute. If it goes on, the operator runs `python -m bot doctor`.",),
        401: ("The operator checks credentials and cloud with `python -m bot doctor`.",),
        403: (
            "The app may lack an application permission or its consent; /doctor names it.",
            "The tenant may have no Intune licence, or a multi-admin approval protects this.",
            "A role given through PIM may not be active, or the bot is set to the wrong cloud.",
        ),
        404: ("It may have been deleted. List the records again.",),
        409: ("Somebody else may have changed it. Look at the record and try again.",),
        412: ("Look at the record and try again.",),
        429: ("Wait before trying again; more attempts make it longer.",),
    }
)
GRAPH_HINTS_OTHER: Final = ("Try again in a minute. If it goes on, quote the ids above.",)


# Other problems

FAILURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "internal": "Something went wrong inside the bot. It has been logged under the id below.",
        "store-unavailable": "The bot's own records cannot be read or written now, "
        "so nothing was started.",
        "timeout": "It took too long and was given up.",
        "roles-unread": "Microsoft Graph could not be asked who you are and which roles you have, so "
        "nothing was started and nothing is shown, not even what was seen last.",
    }
)
FAILURE_TITLE: Final = "That did not work"
FAILURE_ADVICE: Final = "Try again in a minute. If it happens again, quote the id below."

# Notices

NOTICES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        **WATCH_NOTICES,
        "paused": ("Writes paused", "{who} stopped all writes. Reading goes on."),
        "already-paused": (
            "Already paused",
            "{who} stopped all writes before; nothing was changed.",
        ),
        "resumed": ("Writes resumed", "{who} let writes run again."),
        "not-paused": ("Not paused", "Writes were not paused."),
        "resolved": ("Resolved", "{who} recorded operation {id} as {outcome}."),
        "asked-elsewhere": (
            "Asked",
            "{id} waits for consent. Its card stands in the channel that the policy names for "
            "approvals: everybody there can see that you ask, and for what. Who may decide: "
            "{approvers}. What they decide is told here.",
        ),
        "asked-in-channel": (
            "Asked",
            "{id} waits for consent. Its card stands in the channel {channel}: everybody there "
            "can see that you ask, and for what. Who may decide: {approvers}. What they decide is "
            "told here.",
        ),
        "decided-approved": ("Approved", "{asker}: {what} was approved by {who}."),
        "decided-rejected": ("Rejected", "{asker}: {what} was rejected by {who}. {comment}"),
        "decided-expired": ("Expired", "{asker}: {what} was not decided or not run in time."),
        "decided-partly": (
            "Done in part",
            "{asker}: {what} was approved by {who}, but is known to be carried out for {part} only; "
            "its card says how each fared.",
        ),
        "decided-failed": (
            "Failed",
            "{asker}: {what} was approved by {who}, but it failed; its card says why.",
        ),
        "decided-unknown": (
            "Outcome unknown",
            "{asker}: {what} was approved by {who}, but what came of it is not known; "
            "its card says what to look at.",
        ),
        "decided-stale": ("Out of date", "{asker}: {what} did not run; its card says why."),
        "bulk-empty": ("Nothing to do", "No record fits these filters, so nothing was started."),
        "bulk-cut": (
            "Too many",
            "Graph has more records than the bot reads; nothing was started.",
        ),
        "target-and-filter": ("One or many", "Give a target or filters, not both: {usage}"),
        "stopped": (
            "The bot was stopped",
            "It ended in the middle of this. Look at /history, then send the command again.",
        ),
        "revise-offer": (
            "It waits already",
            "{id} already waits to do this to the same target. To replace its plan, type:",
        ),
        "revise-other": ("Cannot be revised", "{id} is not your own, or about something else."),
        "revised": ("Revised", "{id} has a new plan; its votes start over."),
        "undo-not-done": (
            "Nothing to undo",
            'Operation {id} is marked "{state}"; only what is done can be undone.',
        ),
        "undo-impossible": ("Cannot be undone", "There is no opposite of operation {id}."),
        "again-over": (
            "Nothing to ask again",
            'Operation {id} is marked "{state}". To ask for the same, type its command:',
        ),
        "again-asked": (
            "Asked again already",
            "Operation {id} was asked for anew; see /history. For one more, type its command:",
        ),
        "undo-asked": (
            "Undone already",
            "Operation {id} was undone, or somebody asked for it; see /history. To do the same once"
            " more, type:",
        ),
        "vote-own": ("Not your own", "Somebody else has to decide what you asked for."),
        "vote-not-approver": ("Not yours to decide", "None of your roles may decide {id}."),
        "vote-over": (
            "Already decided",
            'Operation {id} is marked "{state}"; your vote was not needed.',
        ),
        "vote-expired": ("Too late", "The time to decide {id} is over."),
        "vote-old-revision": (
            "An old card",
            "The request changed since; look at its newest card.",
        ),
        "vote-twice": ("Counted already", "You have voted on {id}; others have to as well."),
        "vote-counted": (
            "Counted",
            'Your vote on {id} counts; it is marked "{state}" now. Its card shows the rest.',
        ),
        "not-waiting": ("Nothing to decide", 'Operation {id} is marked "{state}".'),
        "cancelled": ("Cancelled", "Operation {id} was taken back, as its card shows."),
        "cancel-not-asker": ("Not yours to cancel", "Only {who} can take back {id}."),
        "reason-missing": (
            "A reason is needed",
            'The policy wants one: add --reason "…" to {command}',
        ),
        "started": ("Started", "Its own card in the thread shows how it goes."),
        "lapsed-command": (
            "Buttons do not run this",
            "A card's text may only read. To really do it, type the command.",
        ),
        "unknown-command": ("Not understood", "There is no command {token}."),
        "nothing-to-change": ("Nothing to change", "{name} already looks like that."),
        "identity-missing": ("A name is missing", "A new one needs at least one of: {names}."),
        "changes-missing": ("Nothing to change", "Say what to change, as name=value: {usage}"),
        "target-missing": ("Which one?", "It does not say which one: {usage}"),
        "following": ("Working on it", "The answer will come in the thread of this card."),
        "repeated": ("Already asked for", "This message was carried out before; see /history."),
        "working": ("Working on it", "The answer will replace this message."),
        "search-denied": ("Not allowed", "You may not see which {kind} there are."),
        "form-old": (
            "This form is old",
            "It was opened more than a day ago, so nothing was done. Open a new one:",
        ),
        "form-too-long": (
            "Too much for one form",
            "Nothing was changed. What is filled in is longer than a card can hold; shorten it and "
            "send it again.",
        ),
        "form-posted": ("Fill it in", "The form stands in the thread of this card."),
        "taken-in": ("Already taken in", "This came before; nothing happens twice."),
        "lapsed": ("This button has lapsed", "What it stood for is over or replaced."),
        "pressed-already": ("Already done", "{who} was first. Nothing happened twice."),
        "operation-missing": (
            "No such operation",
            "There is no operation {id}. Ids look like 7F3K; /history lists the newest operations.",
        ),
        "not-unknown": ("Nothing to resolve", 'Operation {id} is marked "{state}".'),
        "welcome": ("Hello", "I run connectors from this conversation. Type /help."),
        "edited": ("Edits are not run", "Send the command again as a new message."),
        "exchange-on-premises": (
            "Support has ended",
            "Support for the on-premises Exchange connector ended on 2024-02-19: it no longer "
            "syncs with Intune. Look after what is left of it and remove it when you can.",
        ),
    }
)


UNDO_BUTTON: Final = "Undo"
AGAIN_BUTTON: Final = "Ask again"
APPROVE_BUTTON, REJECT_BUTTON, CANCEL_BUTTON = "Approve", "Reject", "Cancel"
COMMENT_LABEL: Final = "Comment (goes along with Reject)"
WHO_DECIDES, STILL_NEEDED, LAPSES, TO_TYPE = "Who may decide", "Still needed", "Lapses", "Or type"
TO_DECIDE, ASKED_FOR = "Waiting for you", "You asked for"
WAITING_TITLE: Final = "What waits for consent"
NOTHING_WAITS: Final = "Nothing waits."


UNSEEN: Final = (
    "Nobody but you can see this card, as it stands in your own chat with me. Let somebody who may "
    "decide know: they type /approve {id}, wherever they talk to me, or find it in /approvals. "
    "Or take it back and ask in the channel."
)
HOW_TO_DECIDE: Final = (
    "Show opens the request with its Approve and Reject. "
    'Typed, a comment goes along with --comment "…".'
)


def about_one(name: str, record_id: str, why: str) -> str:
    """Return a sentence about one of several targets, by its name and as much id as it needs."""
    whom = f"{name} ({record_id})" if record_id else name
    return f"{plain(whom, 160)}{COLON} {why}"


def show(short: str) -> str:
    """Return the title of what opens an operation's card."""
    return f"{SHOW_BUTTON} {short}"


def lapses(when: str) -> str:
    """Return until when it can be decided, in the middle of a line."""
    return f"lapses {when}"


def part(count: int | str, total: int | str) -> str:
    """Return how many of how many."""
    return f"{count} of {total}"


def needed(missing: int, total: int) -> str:
    """Return how many must still consent."""
    return part(missing, total)


def lapse(when: str) -> str:
    """Return until when it can be decided, and what happens then."""
    return f"{when}; then nothing is changed"


def still_needed(missing: int, total: int) -> str:
    """Return the remark on the step of a consent that is waited for."""
    return f"{needed(missing, total)} still needed"


def again(short: str) -> tuple[str, ...]:
    """Return what to type to ask anew."""
    return (f"/again {short}",)


def votes(short: str) -> tuple[str, ...]:
    """Return what to type to decide, each by itself."""
    return f"/approve {short}", f"/reject {short}"


def withdrawal(short: str) -> tuple[str, ...]:
    """Return what the asker types to take a request back."""
    return (f"/cancel {short}",)


FILTER_ABOUT: Final = "Only those whose property is this, or contains it."
TARGETS: Final = "Targets"
ITEM_WAITS, ITEM_UNSENT = "waits", "not sent"
NO_ANSWER: Final = "no answer came back"
NOBODY: Final = "nobody"
NEVER: Final = "never"
JUST_NOW: Final = "just now"
NEW: Final = "new"
BOT_SECTION: Final = "The bot itself"
GRANTORS: Final = "whoever administers the groups of these roles"
STALE: Final = "It has not been seen for longer than it should. Is it still there?"
NEVER_SEEN: Final = "It has never been seen to sync."
AS_OF: Final = "Graph cannot be asked just now. As seen {ago} ({at})."
STALE_WORD: Final = "stale"
NEXT_BUTTON, PREVIOUS_BUTTON = "Next", "Previous"
REFRESH_BUTTON, HISTORY_BUTTON, SHOW_BUTTON = "Refresh", "History", "Show"


def ago(count: int, unit: str) -> str:
    """Return how long ago something was: `5 minutes ago`."""
    return f"{count} {unit}{'' if count == 1 else 's'} ago"


def span(count: int, unit: str) -> str:
    """Return how long something took: `42 minutes`."""
    return f"{count} {unit}{'' if count == 1 else 's'}"


def wait(count: int, unit: str) -> str:
    """Return when to try again: `in 30 seconds`."""
    return f"in {count} {unit}{'' if count == 1 else 's'}"


def cut(seen: int) -> str:
    """Return the note on a list that is longer than the bot reads."""
    return f"Graph has more than the {seen} records read; narrow it in Intune itself."


def place(cloud: str, tenant: str) -> str:
    """Return the line that says where an answer comes from."""
    return f"{plain(tenant, 64)}{DOT}{plain(cloud, 64)}"


def summary(title: str, tenant: str) -> str:
    """Return what a notification shows in place of the card."""
    return plain(f"{title} ({plain(tenant, 64)})")


def because(reason: str) -> str:
    """Return the sentence that gives a reason in somebody's own words."""
    return f"{REASON}{COLON} {plain(reason, 160)}" if reason else ""


def standing(key: str, part: str) -> str:
    """Return the word for a state, and of how many targets it is true where not of all."""
    word, _ = STATES[key]
    return f"{word}, {part}" if part else word


def headline(what: str, word: str) -> str:
    """Return a title with the state it is in."""
    return f"{plain(what, 160)} – {word}"  # noqa: RUF001 - a dash between title and state


def page_of(*, page: int, pages: int, shown: int, total: int) -> str:
    """Return where in a list this page stands."""
    where = f"Page {page} of {pages}{DOT}" if pages > 1 else ""
    return where + (f"{shown} of {total}" if shown < total else f"{total} in all")


def more(count: int) -> str:
    """Return the sentence that stands where entries did not fit."""
    return f"+{count} more, left out here because the card would grow too large."
