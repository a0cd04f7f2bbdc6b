"""How one value of a setting is read, judged and shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from harvestd.setting_rows import Row, bounds


class Unfit(ValueError):
    """A value that its row does not take; the text says what the row takes."""


SCHEMES = {
    "public_url": ("http", "https"),
    "database_url": ("postgresql", "postgres"),
    "replica_urls": ("postgresql", "postgres"),
    "redis_url": ("redis", "rediss", "unix"),
    "rabbitmq_url": ("amqp", "amqps"),
    "elasticsearch_url": ("http", "https"),
    "smtp_url": ("smtp", "smtps"),
}
#: What a URL looks like, where that is not scheme://user:password@host/name.
EXAMPLES = {
    "public_url": "https://market.example.org",
    "redis_url": "redis://user:password@host:6379/0",
    "rabbitmq_url": "amqp://user:password@host:5672/vhost",
    "elasticsearch_url": "https://user:password@host:9200",
    "smtp_url": "smtp://user:password@host:587",
}
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
SWITCHES = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def parse(row: Row, given: Any) -> Any:
    """The value of ``row``: ``given`` is text (environment, options, files) or what TOML has. Raises :class:`Unfit`."""
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
    if isinstance(given, str):
        number = re.fullmatch(r"(-?\d+)\s*([A-Za-z]*)", given.strip())
        sizes = SIZES if row.unit == "bytes" else {"": 1}
        if number and number[2] in sizes:
            return int(number[1]) * sizes[number[2]]
    raise Unfit("a whole number is needed" + (", such as 1048576, 64MiB or 10MB" if row.unit == "bytes" else ""))


def _number(row: Row, given: Any) -> float:
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        number = float(given)
    elif isinstance(given, str) and re.fullmatch(r"-?(\d+(\.\d*)?|\.\d+)(e-?\d+)?", given.strip(), re.I):
        number = float(given)
    else:
        raise Unfit(f"a number{' of ' + row.unit if row.unit else ''} is needed, such as {row.default:g}")
    if number != number or number in (float("inf"), float("-inf")):
        raise Unfit("a finite number is needed")
    return number


def _switch(row: Row, given: Any) -> bool:
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given.strip().lower() in SWITCHES:
        return SWITCHES[given.strip().lower()]
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
            _judge_url(row, url.strip())
    for name, check in _CHECKS.items():
        if name in (row.name, row.unit):
            check(value)


def _judge_url(row: Row, value: str) -> None:
    schemes = SCHEMES[row.name]
    like = EXAMPLES.get(row.name, f"{schemes[0]}://user:password@host/name")
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        raise Unfit(f"not a URL; it looks like {like} (escape special characters of a password as %XX)") from None
    if url.scheme not in schemes:
        raise Unfit(f"a URL that begins with {' or '.join(s + '://' for s in schemes)} is needed, like {like}")
    if port == 0 or (not url.hostname and schemes[0] != "postgresql" and url.scheme != "unix"):
        raise Unfit(f"the URL names no host or a port of 0; it looks like {like}")
    if url.scheme == "unix":
        if url.hostname or not re.fullmatch(r"/[^?#]+(#\d*)?", value.partition("://")[2].removeprefix(url.netloc)):
            raise Unfit("the path of the socket is needed, like unix:///run/redis/redis.sock (#1 for database 1)")
        return
    pattern, needed = _REST.get(row.name, (".*", ""))
    if not re.fullmatch(pattern, value.partition("://")[2].removeprefix(url.netloc)):
        raise Unfit(f"{needed}, like {like}")
    if row.name == "rabbitmq_url" and url.username is not None and url.password is None:
        raise Unfit(f"after its user comes a password, like {like}")
    if row.name == "public_url" and url.username:
        raise Unfit(f"scheme, host and port alone are needed, like {like}")


#: What may follow host and port, and how that is put.
_REST = {
    "public_url": (r"/?", "scheme, host and port alone are needed"),
    "redis_url": (r"/?\d*", "after host and port only the number of a database may follow"),
    "rabbitmq_url": (
        r"(/[^/?#]*)?(\?cacertfile=[^&#]+)?",
        "after host and port only one virtual host may follow (a / in its name as %2F), and ?cacertfile=path",
    ),
    "elasticsearch_url": (r"[^?#]*", "after host and port only a path may follow"),
}


def _rate(value: str) -> None:
    rate = re.fullmatch(r"([1-9]\d{0,8})/([1-9]\d{0,8})", value)
    if not rate:
        raise Unfit("requests/seconds is needed, such as 60/60")


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


def _pattern(pattern: str, needed: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        if not re.fullmatch(pattern, value):
            raise Unfit(needed)

    return check


#: By the name of a setting or of its unit.
_CHECKS: dict[str, Callable[[str], None]] = {
    "requests/seconds": _rate,
    "tz name": _zone,
    "networks": _network,
    "http_host": _host,
    "ISO 4217": _pattern(r"[A-Z]{3}", "three capital letters are needed, such as EUR"),
    "mail_from": _pattern(r"[^@\s<>]+@[^@\s<>]+", "a bare mail address is needed, such as market@example.org"),
    "token_secret": _pattern(r".{32,}", "32 characters or more are needed; try: openssl rand -hex 32"),
    "allowed_hosts": _pattern(r"[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]", "a host name without scheme or port is needed"),
    "search_language": _pattern(r"[a-z_]+", "the name of a language is needed, such as english or french, or none"),
}


def shown(row: Row, value: Any) -> Any:
    """The value as it may be printed: of a secret URL the password is masked, of another secret everything."""
    if not row.secret or value in ("", (), None):
        return value
    if isinstance(value, (tuple, list)):
        return type(value)(shown(row, part) for part in value)
    return mask_url(value) if "URL" in row.unit and "://" in str(value) else "***"


def mask_url(text: str) -> str:
    """``text`` with the password of each URL in it replaced by ``***``."""
    text = re.sub(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@?#]*):[^\s/@]*(?:@[^\s/@]*)*@", r"\1:***@", text, flags=re.I)
    return re.sub(r"([?&;]password=)[^&\s;]+", r"\1***", text, flags=re.I)
