"""Parsing, validation and display of one value of a setting."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any
from zoneinfo import ZoneInfo

from harvestd.kernel import readers
from harvestd.kernel.email_addresses import NotAnAddress, read
from harvestd.kernel.errors import Invalid
from harvestd.settings.quotas import quotas
from harvestd.settings.rows import Row, Unfit, bounds
from harvestd.settings.urls import SCHEMES, judge_url, mask_url

KILO, KIBI = 1000, 1024
SIZES = {
    "": 1,
    "B": 1,
    "kB": KILO,
    "KB": KILO,
    "MB": KILO**2,
    "GB": KILO**3,
    "KiB": KIBI,
    "MiB": KIBI**2,
    "GiB": KIBI**3,
}
#: A number, optionally with a unit of size.
_SIZE = re.compile(r"([^A-Za-z ]{1,40})(?: ?([A-Za-z]{1,3}))?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_SECRET = re.compile(r".{32,}")
#: A host; all hosts below one (``*.example.org``); any host.
_ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.\[\]:-]{1,255}")
_CONTACT = re.compile(r"[\x21-\x7e]{3,300}")
_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,9}")
_HOST_NAME = re.compile(r"(?:\*\.)?[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]|\*")
_MEDIA = re.compile(r"signed|https?://[A-Za-z0-9.\[\]:-]{1,255}(?:/[A-Za-z0-9._~-]+){0,9}/?")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_LANGUAGE = re.compile(r"[a-z_]+")
SWITCHES = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def parse(row: Row, given: Any) -> Any:
    """The value of ``row``: ``given`` is text (environment, options, files) or a TOML value. Raises :class:`Unfit`."""
    if isinstance(given, str) and not readers.is_utf8(given):
        raise Unfit("it is not UTF-8 text; write it as UTF-8, or without letters beyond ASCII")
    value = _READERS[row.kind](row, given)
    for part in value if isinstance(value, tuple) else (value,):
        _judge(row, part)
    return value


def _text(row: Row, given: Any) -> str:
    if not isinstance(given, str):
        raise Unfit("text in quotes is needed")
    text = given.strip()
    if any(unicodedata.category(c) == "Cc" for c in text):
        raise Unfit("it has a control character (a line break?) in it")
    return text


def _whole(row: Row, given: Any) -> int:
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    size = _SIZE.fullmatch(given) if isinstance(given, str) else None
    sizes = SIZES if row.unit == "bytes" else {"": 1}
    if size is not None and (size[2] or "") in sizes:
        try:
            return readers.integer(row.name, size[1]) * sizes[size[2] or ""]
        except Invalid:
            pass
    raise Unfit("a whole number is needed" + (", such as 1048576, 64MiB or 10MB" if row.unit == "bytes" else ""))


def _number(row: Row, given: Any) -> float:
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        number = float(given)
    elif isinstance(given, str) and (read_as := readers.decimal_or_none(given)) is not None:
        number = float(read_as)
    else:
        raise Unfit(f"a number{' of ' + row.unit if row.unit else ''} is needed, such as {row.default:g}")
    if number != number or number in (float("inf"), float("-inf")):
        raise Unfit("a finite number is needed")
    return number


def _switch(row: Row, given: Any) -> bool:
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given.lower() in SWITCHES:
        return SWITCHES[given.lower()]
    raise Unfit("true or false is needed (yes, on, 1; no, off, 0 do too)")


def _list(row: Row, given: Any) -> tuple[str, ...]:
    if isinstance(given, str):
        given = [part for part in given.split(",") if part.strip()]
    if not isinstance(given, (list, tuple)):
        raise Unfit("a list of texts is needed")
    return tuple(_text(row, part) for part in given)


_READERS: dict[type, Callable[[Row, Any], Any]] = {str: _text, int: _whole, float: _number, bool: _switch, tuple: _list}


def _judge(row: Row, value: Any) -> None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = row.least, row.most
        if (low is not None and value < low) or (high is not None and value > high):
            raise Unfit(f"it must be {bounds(row)}")
    if value == "" or not isinstance(value, str):
        return
    if row.choices and value not in row.choices:
        raise Unfit(f"it must be one of {', '.join(row.choices)}")
    if row.name in SCHEMES:
        for url in value.split(",") if row.name == "elasticsearch_url" else (value,):
            judge_url(row, url.strip())
    for name, check in _CHECKS.items():
        if name in (row.name, row.unit):
            check(value)


def _rate(value: str) -> None:
    try:
        quotas(value)
    except ValueError as error:
        raise Unfit(str(error)) from None


def _zone(value: str) -> None:
    try:
        ZoneInfo(value)
    except Exception:
        raise Unfit("not a name of the tz database, such as Europe/Paris or UTC") from None


def _network(value: str) -> None:
    try:
        ip_network(value)
    except ValueError:
        raise Unfit("an address or network is needed, such as 127.0.0.1 or 10.0.0.0/8 (no host bits set)") from None


def _host(value: str) -> None:
    try:
        ip_address(value)
    except ValueError:
        raise Unfit("an IP address is needed, such as 127.0.0.1, 0.0.0.0 or ::1") from None


def _address(value: str) -> None:
    try:
        read(value)
    except NotAnAddress as error:
        raise Unfit(f"a bare mail address is needed, such as market@example.org: {error}") from None


def _pattern(pattern: re.Pattern[str], needed: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        if not pattern.fullmatch(value):
            raise Unfit(needed)

    return check


#: The check of a value, by the name of its setting or unit.
_CHECKS: dict[str, Callable[[str], None]] = {
    "requests/seconds": _rate,
    "tz name": _zone,
    "networks": _network,
    "http_host": _host,
    "ISO 4217": _pattern(_CURRENCY, "three capital letters are needed, such as EUR"),
    "mail_from": _address,
    "token_secret": _pattern(_SECRET, "32 characters or more are needed; try: openssl rand -hex 32"),
    "allowed_hosts": _pattern(
        _HOST_NAME, "a host name without scheme or port is needed, such as market.example.org, *.example.org or *"
    ),
    "domain": _pattern(_DOMAIN, "a domain without scheme or port is needed, such as example.org"),
    "origins": _pattern(
        _ORIGIN, "the origin of a site is needed, scheme and host alone, such as https://shop.example.org, or *"
    ),
    "contact": _pattern(_CONTACT, "a mail address or a URL is needed, such as security@example.org"),
    "media_base": _pattern(_MEDIA, "a URL without a query is needed, such as https://cdn.example.org, or signed"),
    "s3_region": _pattern(_REGION, "the name of a region is needed, such as eu-central-1"),
    "search_language": _pattern(_LANGUAGE, "the name of a language is needed, such as english or french, or none"),
}


def shown(row: Row, value: Any) -> Any:
    """The value in printable form: the password in a secret URL is masked, any other secret entirely."""
    if not row.secret or value in ("", (), None):
        return value
    if isinstance(value, (tuple, list)):
        return type(value)(shown(row, part) for part in value)
    return mask_url(value) if "URL" in row.unit and "://" in str(value) else "***"
