"""Notification texts, in English: one table of kinds, each with its audience, its channels, and the words; ``wording.py`` fills them, in any
language. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs


@attrs.frozen
class Message:
    """One kind of message. ``whom`` is buyer or farm, of a farm's staff owner (each other one) or member (the one that it is about); ``mail`` whether it is also mailed. It is always a notice, so an
    undelivered mail loses no information. Texts are ``str.format`` templates over the facts of the worker, and keys of the catalogues."""

    whom: str
    title: str
    body: str
    mail: bool


#: By event type and, for a step of a part, ``to``. A part's step names its farm; the end of the whole order is reported once,
#: by its own event, and then the buyer is not told of the step that caused it.
MESSAGES: dict[tuple[str, str], tuple[Message, ...]] = {
    ("order.created", ""): (
        Message(
            "buyer",
            "Your order {number}",
            "Thank you, {name}. Your order {number} has been placed:\n\n{lines}\n\nTotal: {total}\n\n{way}\n",
            mail=True,
        ),
        Message(
            "farm",
            "New order {number} for {farm}",
            "A new order {number} of {buyer} has come in for {farm}:\n\n{lines}\n\nTotal: {subtotal}\n\n{way}{note}\nPlease confirm it.\n",
            mail=True,
        ),
    ),
    ("order.updated", "confirmed"): (Message("buyer", "{farm} confirmed order {number}", "{farm} has confirmed its part of your order {number}.\n", mail=True),),
    ("order.updated", "ready"): (Message("buyer", "{farm}: order {number} is ready", "What you ordered from {farm} in order {number} is ready.\n\n{way}", mail=True),),
    ("order.updated", "out_for_delivery"): (Message("buyer", "{farm} is on its way with order {number}", "{farm} is on the way to you with its part of order {number}.\n", mail=True),),
    ("order.updated", "completed"): (Message("buyer", "{farm} has handed over its part of order {number}", "{farm} has handed over its part of your order {number}.\n", mail=False),),
    ("order.updated", "cancelled"): (
        Message("buyer", "Order {number}: the part of {farm} is cancelled", "The part of {farm} in order {number} has been cancelled; nothing is owed for it.{reason}\n", mail=True),
        Message("farm", "Order {number} for {farm} is cancelled", "Order {number} of {buyer} for {farm} has been cancelled; its stock is back on sale.{reason}\n", mail=True),
    ),
    ("order.updated", "expired"): (
        Message("buyer", "Order {number}: the part of {farm} has expired", "{farm} did not confirm its part of order {number} in time; nothing is owed for it.\n", mail=True),
        Message("farm", "Order {number} for {farm} has expired", "Order {number} of {buyer} for {farm} was not confirmed in time; its stock is back on sale.\n", mail=True),
    ),
    ("order.completed", ""): (Message("buyer", "Order {number} is complete", "All of order {number} has been handed over by {farms}.\n", mail=False),),
    ("order.cancelled", ""): (Message("buyer", "Order {number} is cancelled", "Your order {number} from {farms} has been cancelled; nothing is owed for it.{reason}\n", mail=True),),
    ("order.expired", ""): (Message("buyer", "Order {number} has expired", "Order {number} was not confirmed in time by {farms}; nothing is owed for it.\n", mail=True),),
    ("farm.member_joined", ""): (
        Message("owner", "{member} has joined {farm}", "{member} has accepted an invitation to {farm}, and works for it as {role} from now on.\n\n"
                "If you do not know them, ask the other owners, or take them out of the farm.\n", mail=True),
    ),
    ("farm.member_left", ""): (Message("owner", "{member} has left {farm}", "{member} has left {farm}, and can no longer act for it.\n", mail=True),),
    ("farm.member_removed", ""): (
        Message("owner", "{member} no longer belongs to {farm}", "{member} was taken out of {farm}, by another owner or by the market's staff, and can no longer act for it.\n", mail=True),
        Message("member", "You no longer belong to {farm}", "You were taken out of {farm}, by one of its owners or by the market's staff, and can no longer act for it.\n\n"
                "If you think that this is a mistake, ask its owners.\n", mail=True),
    ),
    ("farm.member_changed", ""): (
        Message("member", "Your role in {farm} has changed", "Your role in {farm} has changed: you work for it as {role} from now on.\n\n"
                "If you think that this is a mistake, ask its owners.\n", mail=True),
    ),
}  # fmt: skip


def kind(event: str, to: str = "") -> str:
    """The kind of a notice about an event, or about a step of a part."""
    return f"order.{to}" if to else event


#: The event of a member of a farm who has another role.
MEMBER_CHANGED = "farm.member_changed"
#: The kinds of notices.
KINDS = tuple(sorted({kind(*told) for told in MESSAGES}))
#: The steps of a part that can end its order.
ENDS = frozenset({"completed", "cancelled", "expired"})


def is_told(whom: str, data: Mapping[str, Any]) -> bool:
    """Whether a party is told of an order's event: nobody is told of their own actions, nor the buyer of the step that
    ended the whole order, since the order's own event follows."""
    to = data.get("to")
    ended = whom == "buyer" and to in ENDS and data.get("order_status") == to
    return data.get("actor") != whom and not ended


def farm_of(own: str | None, data: Mapping[str, Any]) -> str | None:
    """The farm that a message is about: for a farm (``own``) its own, for the buyer that of the event; None if it is about the
    whole order."""
    return own or data.get("farm_id")


#: What stands in the texts above: the fulfilment of a part, and what people wrote, where they did.
PIECES: dict[str, str] = {
    "delivery": "To be delivered to: {address}\n",
    "point": "To be picked up at: {name}, {address}\n",
    "pickup": "To be picked up.\n",
    "note": "Note: {text}\n",
    "reason": " Reason: {text}",
}

#: Subject and text of the one mail that stands in for those beyond ``most`` an hour.
MORE = (
    "More has happened at {market}",
    "You have had {most} mails from us within an hour, so what else happens for now is not mailed one by one.\n"
    "All of it is in your notices and orders at the market: please look there.\n",
)

#: Subject and text of every mail about an order to an address that its account has not verified, which may be a stranger's: there is no word in it that
#: anybody but the market has written.
UNPROVEN = (
    "Order {number} at {market}",
    "There is something new about order {number} at {market}. Sign in to read it:\n\n{link}\n\n"
    "More is not written here, since this address was not confirmed yet: do so by the link of the mail that welcomed you, and later mails tell all.\n"
    "If you have no account at {market}, ignore this mail.\n",
)

#: Mails to accounts about themselves, by their kind: the subject, and the text.
ACCOUNT_MAILS: dict[str, tuple[str, str]] = {
    "welcome": (
        "Welcome to {market}",
        "Welcome.\n\nAn account at {market} was opened with this address. Please confirm that it is yours:\n\n{link}\n\n"
        "The link works once, within seven days.\nIf this was not you, ignore this mail.\n",
    ),
    "welcome_known": (
        "Welcome to {market}",
        "Welcome.\n\nAn account at {market} was opened with this address:\n\n{link}\n\nIf this was not you, tell the market's staff.\n",
    ),
    "welcome_elsewhere": (
        "Welcome to {market}",
        "Welcome.\n\nAn account at {market} was opened by signing in with an account of yours elsewhere that has this address. Go on signing in "
        "with that; or set a password here, too:\n\n{link}\n\nIf this was not you, tell the market's staff.\n",
    ),
    "verify": (
        "Confirm your address at {market}",
        "Please confirm that this address is yours:\n\n{link}\n\nThe link works once, within seven days.\n"
        "If you did not ask for this, ignore this mail.\n",
    ),
    "reset": (
        "Set a new password at {market}",
        "Somebody, hopefully you, asked to set a new password for your account at {market}:\n\n{link}\n\n"
        "The link works once, within an hour. It ends every sign-in of the account.\n"
        "If this was not you, ignore this mail: nothing has changed.\n",
    ),
    "link": (
        "Sign in at {market}",
        "With this link you sign in at {market}:\n\n{link}\n\nIt works once, within a quarter of an hour.\n"
        "If you did not ask for this, ignore this mail, and give the link to nobody.\n",
    ),
    "known": (
        "You have an account at {market}",
        "Somebody, hopefully you, wanted to open an account at {market} with this address, which has one already. Sign in with it; "
        "if the password is forgotten, set a new one:\n\n{link}\n\nIf this was not you, ignore this mail.\n",
    ),
    "address": (
        "Confirm your new address at {market}",
        "This address is to be that of an account at {market}. Please confirm that it is yours:\n\n{link}\n\n"
        "The link works once, within a day. Until then the account keeps the address that it has.\n"
        "If you did not ask for this, ignore this mail.\n",
    ),
    "known_address": (
        "Your address at {market}",
        "Somebody, hopefully you, wanted to give this address to another account at {market}. It belongs to your account, and stays there.\n\n"
        "If this was not you, ignore this mail.\n",
    ),
    "invitation": (
        "Invitation from {farm} at {market}",
        "{farm}, a farm at {market}, invites you to join it as {role}. Sign in with this address, or open an account with it, and accept "
        "here:\n\n{link}\n\nThe link works once, within seven days. If you do not know the farm, ignore this mail.\n",
    ),
    "invitation_unnamed": (
        "Invitation from a farm at {market}",
        "A farm at {market} invites you to join it as {role}. Its name is not written here, since the market does not vouch for it at present. "
        "Sign in with this address, or open an account with it, and accept here:\n\n{link}\n\n"
        "The link works once, within seven days. If you expect no invitation, ignore this mail.\n",
    ),
    "farm_verified": (
        "{farm} is verified at {market}",
        "{farm} has been verified at {market}: it takes orders now.\n{reason}",
    ),
    "farm_suspended": (
        "{farm} is suspended at {market}",
        "{market} has suspended {farm}: it takes no orders for now. Orders that were placed before go on.\n{reason}",
    ),
    "farm_verified_unnamed": (
        "Your farm is verified at {market}",
        "Your farm has been verified at {market}: it takes orders now.\n{reason}",
    ),
    "farm_suspended_unnamed": (
        "Your farm is suspended at {market}",
        "{market} has suspended your farm: it takes no orders for now. Orders that were placed before go on.\n{reason}",
    ),
    "farm_imprint": (
        "{farm} has another imprint at {market}",
        "{farm}, which was verified at {market}, has changed its imprint, which says who sells. It goes on taking orders.\n\n"
        "Please look at it again; if it is not right, suspend the farm. What it was before is in the audit log.\n",
    ),
    "farm_renamed": (
        "{before} is now called {farm} at {market}",
        "{before}, which was verified at {market}, has another name: {farm}. It goes on taking orders.\n\n"
        "Please look at it again; if it passes for somebody else, suspend the farm. Both names are in the audit log.\n",
    ),
    "moved": (
        "Your account at {market} has another address",
        "Your account at {market} was given another address, and this one is no longer used for it.\n\n"
        "If this was not you, tell the market's staff at once.\n",
    ),
    "noted": (
        "A change to your account at {market}",
        "At {market}, {what}.\n\nIf this was you, or you expected it, there is nothing to do. If not, set a new password here, which ends every "
        "sign-in and API key, and tell the market's staff:\n\n{link}\n",
    ),
    "exported": (
        "Your data at {market}",
        "The file that you asked for, with everything that {market} holds about you, is ready. Sign in to download it, within {days}:\n\n{link}\n\n"
        "After that it is deleted. If you did not ask for it, set a new password there, which ends every sign-in and API key.\n",
    ),
    "closed_by_staff": (
        "Your account at {market} was closed by its staff",
        "The staff of {market} have closed your account: nobody can sign in to it, and its API keys have ended.\n\n"
        "If you think that this is a mistake, write to the market's staff; they can open it again.\n",
    ),
    "closed": (
        "Your account at {market} is closed",
        "Your account at {market} was closed, and what it held on you is erased; what you ordered stays in the books without your name. "
        "This is the last mail about it. Goodbye, and thank you.\n\nIf you did not close it, tell the market's staff at once.\n",
    ),
    "password_removed": (
        "Please set a new password at {market}",
        "You have signed in at {market} by a mailed link, which has confirmed your address. The password that was set before was removed, since "
        "somebody else may have set it; second factors, API keys and other sign-ins of before have ended, too.\n\n"
        "Set a new password here, or go on signing in by mailed links:\n\n{link}\n",
    ),
    "changed": (
        "Your password at {market} was changed",
        "A new password was set for your account at {market}, and every other sign-in has ended.\n\n"
        "If this was not you, somebody reads your mail. Secure that first, then set another password:\n\n{link}\n",
    ),
}


#: What is told of an entry of the audit log, by its action and, after a slash, what it has made of the account.
NOTED: dict[str, str] = {
    "api_key.created": "a new API key can act for your account",
    "second_factor.added": "a second factor was added to your account; signing in needs one from now on",
    "identity.linked": "an account of yours elsewhere was linked with your account, and can sign in to it from now on",
    "identity.removed": "an account elsewhere was unlinked from your account, and can no longer sign in to it",
    "second_factor.removed": "a second factor was removed from your account",
    "second_factor.codes_renewed": "the recovery codes of your account were replaced by new ones",
    "passkey.copied": "a sign-in with one of your passkeys was refused, since there may be a copy of it; remove that passkey and set up another one",
    "account.changed": "the market's staff changed your account",
    "account.changed/opened": "the market's staff opened your account again; sign in as before",
    "account.changed/buyer": "the market's staff changed the role of your account: it is a buyer's now",
    "account.changed/farmer": "the market's staff changed the role of your account: it is a farmer's now",
    "account.changed/manager": "the market's staff changed the role of your account: it is a manager's now",
    "account.changed/admin": "the market's staff changed the role of your account: it is an admin's now",
    "account.deactivated": "your account was deactivated: every sign-in and API key has ended, and nobody sees it; signing in opens it again",
    "account.reactivated": "your account was opened again by signing in",
    "account.export_begun": "a file with everything that we hold about you was asked for; another mail will tell you when it is ready",
    "account.impersonated": "a member of the market's staff is acting for you, for half an hour at most; what they change is noted in the audit log",
}
#: What is told of an entry by a mail of its own.
OWN_MAILS: dict[str, str] = {
    "account.changed/closed": "closed_by_staff",
    "account.password_removed": "password_removed",
}
#: Roles in a farm, as they stand in a sentence.
ROLES = {"owner": "an owner", "manager": "a manager", "packer": "a packer", "driver": "a driver"}


def texts() -> Iterator[str]:
    """Every text here, each of which a language's catalogue has as a ``mail``."""
    for messages in MESSAGES.values():
        for message in messages:
            yield from (message.title, message.body)
    yield from (*PIECES.values(), *MORE, *UNPROVEN)
    for mail in ACCOUNT_MAILS.values():
        yield from mail
    yield from (*NOTED.values(), *ROLES.values())
