"""The part of ``/account`` that signs people in and shows them their account; ``own.js`` fills it in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from urllib.parse import urlsplit

from harvestd.web.pages import own_things

#: Every text, in English, as those of :mod:`harvestd.web.pages.people`, which has them among its own.
TEXTS: dict[str, str] = {
    "by passkey": "Sign in with a passkey",
    "elsewhere": "Sign in with {issuer}",
    "ask link": "Sign in by a mail",
    "ask link button": "Send a mail with a link to sign in",
    "out": "Sign out",
    "use passkey": "Use a passkey",
    "profile": "Profile",
    "name": "Name",
    "language": "Language of mails",
    "usual": "The market's own",
    "save": "Save",
    "saved": "Saved.",
    "change password": "Password",
    "sessions": "Where you are signed in",
    "current": "this browser",
    "acting": "The market's staff, for you",
    "end": "Sign out there",
    "everywhere": "Sign out everywhere",
    "passkeys": "Passkeys",
    "passkeys about": "A passkey signs you in without a password: by your finger, your face or the PIN of your device.",
    "passkey name": "What to call it, such as the device that it is on",
    "add passkey": "Add a passkey",
    "none": "There is none yet.",
    "remove": "Remove",
    "totp": "Codes of an app",
    "totp about": "An authenticator app shows a code that is asked for beside your password.",
    "totp name": "What to call it, such as the telephone that it is on",
    "add totp": "Set up an app",
    "totp open": "Open in the app on this device",
    "totp secret": "or type this key into the app:",
    "totp code": "Code that the app shows now",
    "totp button": "Confirm the code",
    "codes": "Recovery codes",
    "codes left": "Codes that are left:",
    "codes renew": "New recovery codes",
    "codes shown": "Write these codes down now: they are shown only once. Each signs you in once in place of what you have lost.",
    "data": "Your data",
    "data about": "A file with everything that the market holds on you.",
    "data button": "Download my data",
    "data file": "Save the file",
    "data going": "The file is being written…",
    "data failed": "The file could not be written. Please try again.",
    "confirm": "Please confirm that it is you",
    "confirm button": "Confirm",
    "confirm passkey": "Confirm with a passkey",
    "cancel": "Cancel",
    "cancelled": "Nothing was done.",
    "ended": "You are signed out.",
    "refused": "The passkey was not used. Please try again, or take another way.",
    "not here": "Passkeys work at [{domain}]({origin}/account) alone: open this page there.",
    "unusable": "This browser could not use a passkey here. Please take another way.",
    "has one": "This device has a passkey of your account already.",
}
#: What the script says, in the data of the element ``said``.
_SAID = (
    "saved",
    "none",
    "current",
    "acting",
    "data going",
    "data failed",
    "cancelled",
    "ended",
    "refused",
    "has one",
    "unusable",
)
Said = Callable[[str], str]
_TOLD = '<p class="told" role="status" tabindex="-1"></p>'


def told(said: Said) -> str:
    """The attributes that have what the script says."""
    return " ".join(f'data-{name.replace(" ", "-")}="{escape(said(name))}"' for name in _SAID)


def entrance(said: Said, code: str, passkey: str, not_here: str, links: bool, issuer: str) -> str:
    """The ways in: password, passkey (``not_here`` says where, at another address), and where the market has them a mailed link and accounts
    at ``issuer``."""
    way = f'<p><a href="#forgot">{escape(said("forgot"))}</a></p>'
    if issuer:
        host = urlsplit(issuer).hostname or issuer
        name = "Google" if host == "accounts.google.com" else host
        way += f'<p><a class="button" href="/api/auth/google?return_to=/account">{escape(said("elsewhere").format(issuer=name))}</a></p>'
    if links:
        mail = _input(said("email"), 'name="email" type="email" autocomplete="email" required')
        way += f"<h2>{escape(said('ask link'))}</h2>{_form('ask-link', mail, said('ask link button'))}"
    fields = _input(said("email"), 'name="email" type="email" autocomplete="username" required')
    fields += _input(said("password"), 'name="password" type="password" autocomplete="current-password" required')
    return (
        f'<div id="entrance" hidden><h2 id="enter-head" tabindex="-1">{escape(said("factor"))}</h2>'
        f"{_button(said('by passkey'), 'by-passkey', ' hidden')}{not_here}{_form('enter', fields + code, said('factor button'), after=passkey)}{way}</div>"
    )


def own(said: Said, least: int, languages: Sequence[str], not_here: str) -> str:
    """One's own account."""
    options = "".join(f'<option value="{escape(tag)}">{escape(tag)}</option>' for tag in languages)
    profile = _input(said("name"), 'name="name" autocomplete="name" required')
    profile += f'<label>{escape(said("language"))} <select name="language"><option value="">{escape(said("usual"))}</option>{options}</select></label>'
    new = said("new password").format(least=least)
    password = _input(new, f'name="password" type="password" minlength="{least}" autocomplete="new-password" required')
    parts = (
        _part("profile", said("profile"), _form("profile-form", profile, said("save"))),
        *(_part(*one) for one in own_things.parts(said)),
        _part("password", said("change password"), _form("password-form", password, said("reset button"))),
        _part("sessions", said("sessions"), f"<ul></ul>{_button(said('everywhere'), 'everywhere')}"),
        _part("passkeys", said("passkeys"), _passkeys(said, not_here)),
        _part("totp", said("totp"), _totp(said)),
        _part("codes", said("codes"), f"<p>{escape(said('codes left'))} <strong></strong></p>{_button(said('codes renew'), 'renew')}"
              f'<div id="fresh" tabindex="-1" hidden><p>{escape(said("codes shown"))}</p><ul></ul></div>'),
        _part("data", said("data"), f"<p>{escape(said('data about'))}</p>{_button(said('data button'), 'export')}"
              f'<progress hidden aria-label="{escape(said("data going"))}"></progress><p><a class="button" download hidden>{escape(said("data file"))}</a> <span></span></p>'),
        _part(*own_things.rest(said)),
    )  # fmt: skip
    rows = "".join(
        f'<template id="{name}"><li><span></span> <button type="button">{escape(said(name))}</button></li></template>'
        for name in ("end", "remove")
    )
    return (
        f'<div id="own" hidden><p id="who" tabindex="-1"></p>{_button(said("out"), "out")}{"".join(parts)}</div>{rows}'
    )


def _passkeys(said: Said, not_here: str) -> str:
    add = _input(said("passkey name"), 'name="name" maxlength="100" required')
    return f"<p>{escape(said('passkeys about'))}</p>{not_here}<ul></ul>{_form('passkey-form', add, said('add passkey'), ' hidden')}"


def _totp(said: Said) -> str:
    add = _input(said("totp name"), 'name="name" maxlength="100" required')
    code = _input(said("totp code"), 'name="code" inputmode="numeric" autocomplete="one-time-code" required')
    shown = f'<p><a href="/account">{escape(said("totp open"))}</a>, {escape(said("totp secret"))} <code></code></p>'
    return (
        f"<p>{escape(said('totp about'))}</p><ul></ul>{_form('totp-form', add, said('add totp'))}"
        f"{_form('totp-code', shown + code, said('totp button'), ' hidden')}"
    )


def confirmation(said: Said, code: str) -> str:
    """What asks for the password, or a passkey, where the market wants a confirmation."""
    fields = _input(
        said("password"), 'name="password" type="password" autocomplete="current-password" required autofocus'
    )
    head = f'<h2 id="confirm-head">{escape(said("confirm"))}</h2>{_TOLD}'
    more = f"{_button(said('confirm passkey'), 'confirm-passkey', ' hidden')}{_button(said('cancel'), 'cancel')}"
    return f'<dialog id="confirm" aria-labelledby="confirm-head">{head}{_form("confirm-form", fields + code, said("confirm button"))}{more}</dialog>'


def _part(name: str, heading: str, content: str) -> str:
    return (
        f'<section id="{name}" aria-labelledby="{name}-head"><h2 id="{name}-head">{escape(heading)}</h2>'
        f"{_TOLD}{content}</section>"
    )


def _input(label: str, attributes: str) -> str:
    return f'<label>{escape(label)} <input data-name="{escape(label)}" {attributes}></label>'


def _form(name: str, fields: str, button: str, more: str = "", after: str = "") -> str:
    return f'<form id="{name}" method="post"{more}>{fields}<p><button>{escape(button)}</button></p>{after}</form>'


def _button(text: str, name: str, more: str = "") -> str:
    return f'<p><button type="button" id="{name}"{more}>{escape(text)}</button></p>'
