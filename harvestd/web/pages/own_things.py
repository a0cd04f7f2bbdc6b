"""The parts of ``/account`` with what somebody keeps there (a picture, addresses, API keys), and the rest of the account; ``things.js`` fills them in."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from harvestd.kernel.permissions import ROLES, SCOPES, may

#: Every text, in English, as those of :mod:`harvestd.web.pages.people`, which has them among its own.
TEXTS: dict[str, str] = {
    "picture": "Picture",
    "picture about": "Everybody can see it beside your name.",
    "picture alt": "Your picture",
    "picture file": "A picture of yours, as JPEG, PNG, WebP, GIF or AVIF",
    "picture button": "Use this picture",
    "picture remove": "Take the picture away",
    "addresses": "Delivery addresses",
    "address label": "What you call it, such as home",
    "address recipient": "Who is delivered to",
    "address": "Street, number, postcode and town",
    "address phone": "Telephone number",
    "address note": "Note for whoever delivers",
    "address button": "Keep this address",
    "keys": "API keys",
    "keys about": "A key lets a program act for you, within the rights that you give it. Whoever has the key can use it.",
    "key name": "What it is for",
    "key scopes": "What it may do",
    "key expires": "Last day, if it is to end by itself",
    "key button": "Make a key",
    "key shown": "Copy this key now: it is shown only once.",
    "rest": "A rest for your account",
    "rest about": "While your account rests you are signed out everywhere, your API keys do not work, and nobody sees your profile. Nothing is deleted: the account is "
    "open again as soon as you sign in and wish so.",
    "rest button": "Deactivate my account",
}
Said = Callable[[str], str]
#: What browsers offer to choose from.
_PICTURES = "image/jpeg,image/png,image/webp,image/gif,image/avif"


def parts(said: Said) -> tuple[tuple[str, str, str], ...]:
    """Each part: its name, heading and content."""
    return (
        ("picture", said("picture"), _picture(said)),
        ("addresses", said("addresses"), _addresses(said)),
        ("keys", said("keys"), _keys(said)),
    )


def rest(said: Said) -> tuple[str, str, str]:
    """The part with which an account is put to rest."""
    return "rest", said("rest"), f"<p>{escape(said('rest about'))}</p>{_button(said('rest button'), 'rest-button')}"


def _picture(said: Said) -> str:
    file = _input(said("picture file"), f'name="file" type="file" accept="{_PICTURES}" required')
    return (
        f'<p>{escape(said("picture about"))}</p><p><img alt="{escape(said("picture alt"))}" hidden></p>'
        f"{_form('picture-form', file, said('picture button'))}{_button(said('picture remove'), 'picture-remove', ' hidden')}"
    )


def _addresses(said: Said) -> str:
    fields = _input(said("address label"), 'name="label" maxlength="60"')
    fields += _input(said("address recipient"), 'name="recipient" autocomplete="name" required')
    label = escape(said("address"))
    fields += f'<label>{label} <textarea name="address" data-name="{label}" rows="3" maxlength="500" autocomplete="street-address" required></textarea></label>'
    fields += _input(said("address phone"), 'name="phone" type="tel" autocomplete="tel"')
    fields += _input(said("address note"), 'name="note" maxlength="500"')
    return f"<ul></ul>{_form('address-form', fields, said('address button'))}"


def _keys(said: Said) -> str:
    fields = _input(said("key name"), 'name="name" maxlength="100" required')
    scopes = "".join(_scope(name) for name in SCOPES)
    fields += f"<fieldset><legend>{escape(said('key scopes'))}</legend>{scopes}</fieldset>"
    fields += _input(said("key expires"), 'name="expires" type="date"')
    return (
        f"<p>{escape(said('keys about'))}</p><ul></ul>{_form('key-form', fields, said('key button'))}"
        f'<div id="key-shown" tabindex="-1" hidden><p>{escape(said("key shown"))}</p><p><code></code></p></div>'
    )


def _scope(name: str) -> str:
    """A right, and the roles whose accounts have it to give."""
    roles = " ".join(role for role in ROLES if may(role, SCOPES[name]))
    return (
        f'<label data-roles="{roles}"><input type="checkbox" name="scopes" value="{name}"> <code>{name}</code></label>'
    )


def _input(label: str, attributes: str) -> str:
    return f'<label>{escape(label)} <input data-name="{escape(label)}" {attributes}></label>'


def _form(name: str, fields: str, button: str) -> str:
    return f'<form id="{name}" method="post">{fields}<p><button>{escape(button)}</button></p></form>'


def _button(text: str, name: str, more: str = "") -> str:
    return f'<p><button type="button" id="{name}"{more}>{escape(text)}</button></p>'
