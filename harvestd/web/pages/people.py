"""Pages for people, in their language: what mailed links lead to, and what is not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape

from harvestd.kernel import languages
from harvestd.web.pages import own_account, own_things
from harvestd.web.pages.html import code_field, marked, page, scripts

#: Every text, in English; each language's catalogue has it as a ``page``.
TEXTS: dict[str, str] = (
    own_account.TEXTS
    | own_things.TEXTS
    | {
        "title": "Your account at {market}",
        "skip": "Skip to the content",
        "verify": "Confirm your address",
        "verify button": "Confirm this address",
        "verify anew": "Send me a new mail",
        "verify sent": "A new mail is on its way to you.",
        "verify done": "Thank you. The address is confirmed.",
        "link": "Sign in",
        "link button": "Sign in",
        "link done": "You are signed in as {email}.",
        "whose": "This link was asked for in another browser. Please type the address that it was mailed to: that is the account to which you are signed in.",
        "factor": "Sign in",
        "factor button": "Sign in",
        "factor done": "You are signed in in this browser.",
        "reset": "Set a new password",
        "reset button": "Set the password",
        "reset done": "The new password is set. Sign in with it.",
        "new password": "New password, {least} characters or more",
        "invitation": "Join a farm",
        "invitation first": "Sign in with your account, or open one first and come back to this link.",
        "invitation without": "If your account has no password, [sign in another way](/account) first, and open the link of the mail again.",
        "invitation as": "You are signed in as {email}.",
        "invitation accept": "Accept",
        "invitation button": "Sign in and accept",
        "invitation done": "Welcome: you belong to the farm now.",
        "forgot": "Forgotten password",
        "forgot button": "Send a mail to set a new password",
        "forgot back": "Back to signing in",
        "forgot done": "If there is an account with this address, a mail is on its way to it.",
        "own email": "E-mail address of your account",
        "email": "E-mail address",
        "password": "Password",
        "named": languages.NAMED,
        "code short": "Code",
        "code": "Code of your second factor, or a recovery code",
        "again": "Ask for a new mail: [for a new password](/account#forgot), or where you asked for this one.",
        "old": "This link was used already, or is too old.",
        "busy": "One moment…",
        "away": "The market does not answer. Please try again in a moment.",
        "rests": "Your account is deactivated. To open it again, press the button once more.",
        "problem link-needed": "There is an account with your address here already. Sign in to it as before, or set a new password for it, and link the two "
        "accounts then. [Set a new password](/account#forgot)",
        "problem identity": "You could not be signed in: the service elsewhere did not sign you in, or has not verified your address. Verify your address "
        "there and begin again, or sign in here with a password. [Begin again](/api/auth/google)",
        "problem sign-in-state": "This sign-in cannot go on: it was begun in another browser or tab, has taken more than ten minutes, or has ended "
        "already. [Begin again](/api/auth/google)",
        "problem deactivated": "Your account is deactivated. It is opened again as you sign in, if you wish. "
        "[Open it again and sign in](/api/auth/google?reactivate=true)",
        "problem account-closed": "The market's staff have closed your account. If you think that this is a mistake, write to them.",
        "problem conflict": "The two accounts could not be linked. Both need the same address, which has to be verified here and there.",
        "problem already-taken": "This account elsewhere signs in to another account of this market. Take it away from that first.",
        "problem unauthenticated": "You are not signed in: your session has ended, or your account is closed. Sign in, and begin again.",
        "problem confirm": "Please confirm with your password, or sign in again, before you link your account with another one.",
        "problem too-many-requests": "There were too many attempts. Please wait a while, and begin again. [Begin again](/api/auth/google)",
        "problem unavailable": "Signing in with an account elsewhere is not possible at the moment. Please try again in a moment, or sign in with a "
        "password. [Begin again](/api/auth/google)",
        "problem other": "You could not be signed in. Please begin again, or sign in in another way. [Begin again](/api/auth/google)",
        "script": "This page needs JavaScript.",
        "kind of problem": "Status {status}, type {type}",
        "cause": "Cause",
        "cure": "Cure",
        "missing": "There is no such page",
        "start": "The start",
        "api": "The API",
    }
)


def text(name: str, language: str) -> str:
    """A text of :data:`TEXTS` in a language."""
    return languages.page(TEXTS[name], language)


def account(
    market: str,
    password_least: int,
    language: str,
    tags: Sequence[str] = (),
    links: bool = False,
    issuer: str = "",
    domain: str = "localhost",
    origin: str = "http://localhost",
) -> bytes:
    """The page of one's own account, and that mailed links lead to where the shop has none; ``account.js`` shows the form for the link, or
    what has become of a sign-in elsewhere (``#problem=`` and its slug), ``own.js`` all else. ``tags`` are the market's languages; ``links``
    whether mails sign in, ``issuer`` who else does; passkeys are for ``domain``, and the market's own pages at ``origin``."""
    said = partial(text, language=language)
    code = code_field(said("code"), said("code short"))
    passkey = f'<p><button type="button" class="use-passkey" hidden>{escape(said("use passkey"))}</button></p>'
    forms = _forms(said, partial(_field, language=language), password_least, code)
    shown = "".join(_form(name, fields, language, passkey if code in fields else "") for name, fields in forms.items())
    beside = (
        f'<p id="again" hidden>{marked(said("again"))}</p><p id="back" hidden><a href="/account">{escape(said("forgot back"))}</a></p>'
        f'<p><button type="button" id="anew" data-done="{escape(said("verify sent"))}" hidden>{escape(said("verify anew"))}</button></p>'
    )
    title = said("title").format(market=market)
    told = " ".join(
        f'data-{name}="{escape(said(name))}"' for name in ("old", "busy", "away", "rests", "named", "whose")
    )
    not_here = f'<p class="not-here" hidden>{marked(said("not here").format(domain=domain, origin=origin))}</p>'
    own = own_account.entrance(said, code, passkey, not_here, links, issuer)
    own += own_account.own(said, password_least, tags, not_here)
    return page(
        title,
        f'<h1>{escape(title)}</h1><p id="said" role="status" tabindex="-1" {told} {own_account.told(said)}></p>{_problems(said)}{shown}'
        f'{beside}<p id="onward" hidden><a href="/account">{escape(title)}</a></p>'
        f"{own}{own_account.confirmation(said, code)}<noscript><p>{escape(said('script'))}</p></noscript>",
        head=scripts(domain, "account", "things", "own"),
        navigation=False,
        language=language,
        skip=said("skip"),
    )


def _forms(said: own_account.Said, field: Callable[..., str], password_least: int, code: str) -> dict[str, str]:
    """The fields for each kind of link."""
    password = field(
        "password",
        said("new password").format(least=password_least),
        f'type="password" minlength="{password_least}" autocomplete="new-password"',
    )
    invitation = (
        f'<p class="as" data-accept="{escape(said("invitation accept"))}" hidden>{escape(said("invitation as"))}</p>'
        + f'<div class="who"><p>{escape(said("invitation first"))} {marked(said("invitation without"))}</p>'
        + field("email", said("email"), 'type="email" autocomplete="username"')
        + field("password", said("password"), 'type="password" autocomplete="current-password"')
        + f"{code}</div>"
    )
    forgot = field("email", said("own email"), 'type="email" autocomplete="email"')
    whose = f'<div class="whose" hidden>{forgot.replace(" required", "")}</div>'
    return {
        "verify": "", "link": whose + code, "factor": code, "reset": password, "invitation": invitation, "forgot": forgot,
    }  # fmt: skip


def _problems(said: own_account.Said) -> str:
    """What may have become of a sign-in elsewhere."""
    return "".join(
        f'<p id="{name.replace(" ", "-")}" class="wrong" tabindex="-1" hidden>{marked(said(name))}</p>'
        for name in TEXTS
        if name.startswith("problem ")
    )


def _field(name: str, label: str, attributes: str, language: str) -> str:
    """An input that is needed; ``data-name`` is what a fault of it is told under."""
    short = escape(text(name, language))
    return f'<label>{escape(label)} <input name="{name}" required data-name="{short}" {attributes}></label>'


def _form(name: str, fields: str, language: str, after: str) -> str:
    heading, button, done = (escape(text(f"{name}{part}", language)) for part in ("", " button", " done"))
    return f'<form id="{name}" method="post" data-done="{done}" hidden><h2>{heading}</h2>{fields}<p><button>{button}</button></p>{after}</form>'


def missing(path: str, why: str, language: str) -> bytes:
    """The page for a browser that requests a missing page."""
    said = partial(text, language=language)
    return page(
        said("missing"),
        f"<h1>{escape(said('missing'))}</h1><p><code>{escape(path)}</code>: {escape(why)}.</p>"
        f'<ul><li><a href="/docs">{escape(said("api"))}</a></li><li><a href="/">{escape(said("start"))}</a></li></ul>',
        navigation=False,
        language=language,
        skip=said("skip"),
    )
