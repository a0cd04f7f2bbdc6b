"""Settings that are URLs: the permitted parts of each, and how one is shown without its password."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from harvestd.settings.rows import Row, Unfit

SCHEMES = {
    "public_url": ("http", "https"),
    "account_url": ("http", "https"),
    "product_page": ("http", "https"),
    "farm_page": ("http", "https"),
    "order_page": ("http", "https"),
    "oidc_issuer": ("https", "http"),
    "database_url": ("postgresql", "postgres"),
    "replica_urls": ("postgresql", "postgres"),
    "redis_url": ("redis", "rediss", "unix"),
    "rabbitmq_url": ("amqp", "amqps"),
    "elasticsearch_url": ("http", "https"),
    "smtp_url": ("smtp", "smtps"),
    "s3_url": ("https", "http"),
}
#: The form of a URL, if it is not scheme://user:password@host/name.
EXAMPLES = {
    "public_url": "https://market.example.org",
    "account_url": "https://shop.example.org/account",
    "product_page": "https://shop.example.org/products/{slug}",
    "farm_page": "https://shop.example.org/farms/{slug}",
    "order_page": "https://shop.example.org/orders/{id}#{token}",
    "oidc_issuer": "https://accounts.google.com",
    "redis_url": "redis://user:password@host:6379/0",
    "rabbitmq_url": "amqp://user:password@host:5672/vhost",
    "elasticsearch_url": "https://user:password@host:9200",
    "smtp_url": "smtp://user:password@host:587",
    "s3_url": "https://key:secret@s3.eu-central-1.amazonaws.com/bucket",
}
_SOCKET = re.compile(r"/[^?#]+(#[0-9]*)?")
_PASSWORD_OF_URL = re.compile(
    r"((?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://[^\s/:@?#]*):[^\s/@]*(?:@[^\s/@]*)*@", re.IGNORECASE
)
_PASSWORD_PARAMETER = re.compile(r"([?&;]password=)[^&\s;]+", re.IGNORECASE)


def judge_url(row: Row, value: str) -> None:
    """Raises :class:`Unfit` unless ``value`` is a URL that the setting accepts."""
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
        if url.hostname or not _SOCKET.fullmatch(value.partition("://")[2].removeprefix(url.netloc)):
            raise Unfit("the path of the socket is needed, like unix:///run/redis/redis.sock (#1 for database 1)")
        return
    pattern, needed = _REST.get(row.name, (None, ""))
    if pattern and not pattern.fullmatch(value.partition("://")[2].removeprefix(url.netloc)):
        raise Unfit(f"{needed}, like {like}")
    if row.name == "rabbitmq_url" and url.username is not None and url.password is None:
        raise Unfit(f"after its user comes a password, like {like}")
    if row.name == "s3_url" and not (url.username and url.password):
        raise Unfit(f"the key and its secret are needed (special characters of them as %XX), like {like}")
    if row.name == "oidc_issuer" and (url.username or (url.scheme == "http" and not is_loopback(url.hostname or ""))):
        raise Unfit(f"https:// is needed, without a user (http:// only for this machine itself), like {like}")
    if row.name == "public_url" and url.username:
        raise Unfit(f"scheme, host and port alone are needed, like {like}")


#: A page of each of many things.
_OF_EACH = (
    re.compile(r"\A[^\s{}]*\{(?:slug|id)\}[^\s{}]*"),
    "after host and port one of {slug} and {id} is needed, once",
)
#: The permitted text after host and port, and the error message for any other.
_REST = {
    "product_page": _OF_EACH,
    "farm_page": _OF_EACH,
    "order_page": (
        re.compile(r"\A[^\s{}]*\{id\}[^\s{}]*\{token\}[^\s{}]*"),
        "after host and port {id} is needed, and behind it {token}, each once",
    ),
    "public_url": (re.compile(r"/?"), "scheme, host and port alone are needed"),
    "oidc_issuer": (re.compile(r"[^?#]*"), "after host and port only a path may follow"),
    "account_url": (re.compile(r"[^#]*"), "no # may be in it, since the links of mails have their own"),
    "redis_url": (re.compile(r"/?[0-9]*"), "after host and port only the number of a database may follow"),
    "rabbitmq_url": (
        re.compile(r"(/[^/?#]*)?(\?cacertfile=[^&#]+)?"),
        "after host and port only one virtual host may follow (a / in its name as %2F), and ?cacertfile=path",
    ),
    "elasticsearch_url": (re.compile(r"[^?#]*"), "after host and port only a path may follow"),
    "s3_url": (
        re.compile(r"/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9._-]*){0,9}/?"),
        "after host and port the name of a bucket is needed, and then only a prefix may follow",
    ),
}


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, as far as its name says."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def mask_url(text: str) -> str:
    """``text`` with the password of each URL in it replaced by ``***``."""
    return _PASSWORD_PARAMETER.sub(r"\1***", _PASSWORD_OF_URL.sub(r"\1:***@", text))
