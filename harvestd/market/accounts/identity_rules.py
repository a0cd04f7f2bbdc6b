"""Signing in with an account elsewhere: where people come back to, and the account that somebody new gets. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from harvestd.kernel import email_addresses, slugs
from harvestd.kernel.email_addresses import EmailAddress
from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import clean_name
from harvestd.kernel.patterns import USERNAME
from harvestd.market.accounts.rules import MAX_NAME, NewAccount

#: Characters of the place to come back to; identities that an account may have.
MAX_RETURN, MAX_IDENTITIES = 500, 10
#: What a new account is called whose person the issuer does not name.
NAMELESS = "member"
#: Characters of a name that go into a username: the end of an id follows, where that is needed.
_OF_NAME = 22
_RETURN = "must be a path of this market, such as /orders, or an address of a site that it lets in (cors_origins)"


def return_to(text: str, origins: Sequence[str]) -> str | FieldError:
    """Where a browser may be sent: a path of this market, or an address of one of ``origins``. Browsers read ``//host`` and ``/\\host`` as
    another host, take a backslash for a slash and leave tabs out (WHATWG URL, 4.4), so nothing of all that is taken anywhere in it."""
    plain = len(text) <= MAX_RETURN and text.isascii() and all("!" <= one <= "~" and one != "\\" for one in text)
    path = text[:1] == "/" and text[1:2] != "/"
    elsewhere = any(text == one or text.startswith((f"{one}/", f"{one}?", f"{one}#")) for one in origins if one != "*")
    if plain and (path or elsewhere):
        return text
    return FieldError("return_to", _RETURN, code="not-accepted", params={"reason": "elsewhere"})


def by_a_stranger(site: str, referer: str, origins: Sequence[str]) -> bool:
    """Whether a page of another site than those of ``origins`` (addresses) sent the browser here: by what browsers say in ``Sec-Fetch-Site`` (W3C Fetch
    Metadata; they send it by TLS and to this machine), and the origin of the page in ``Referer``, which each page may leave out, so that
    without it another site's is a stranger's. Whoever types the address comes from nowhere, and what sends neither is no browser, or an old one."""
    if site in ("same-origin", "none") or not (site or referer):
        return False
    return origin_of(referer) not in {origin_of(one) for one in origins} - {""}


def origin_of(address: str) -> str:
    """Scheme, host and port of an address, as browsers write them; "" for what is none."""
    try:
        url = urlsplit(address)
    except ValueError:
        return ""
    return f"{url.scheme}://{url.netloc}".lower() if url.scheme in ("http", "https") and url.netloc else ""


def address_of(email: str) -> EmailAddress | None:
    """An address that mail can be sent to; None for what is none."""
    found = email_addresses.checked("email", email)
    return found if isinstance(found, EmailAddress) else None


def accounts_of(name: str, address: EmailAddress, id: str, language: str | None = None) -> Iterator[NewAccount]:
    """The account of somebody new, written to in ``language``, with the usernames to be tried, the most readable first; the last is unique. A username is public, so
    nothing of the address goes into it."""
    cleaned = clean_name("name", name, MAX_NAME)
    shown = "" if isinstance(cleaned, FieldError) else cleaned
    base = slugs.slug(shown)[:_OF_NAME].strip("-") or NAMELESS
    endings = ("", id[-6:], id.replace("-", "")[-16:])
    names = ["-".join(filter(None, (base, ending))) for ending in endings[shown == "" :]]
    for username in filter(USERNAME.fullmatch, names):
        yield NewAccount(address.shown, address.key, username, username, shown or username, "buyer", None, language)
