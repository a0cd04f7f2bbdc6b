"""Texts of the mails to accounts about themselves, in English; and those that stand in for others. Pure."""

from __future__ import annotations

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
