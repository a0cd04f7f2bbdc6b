"""Entity tags and conditional requests (RFC 9110, 8.8.3 and 13.1).

The ETag of a single resource is ``"v7-<digest of the response>"``: strong, since the digest changes with any byte, while
``If-Match`` compares only the version, so that other changes to the response do not matter. Without a version it is the digest.

A version also tells which of two responses is the later one. A listing's version (the number of ended transactions) serves only
for that, and may differ between identical responses, so equality is decided by the digest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from harvestd.kernel.errors import Stale
from harvestd.web.problems import Refusal
from harvestd.web.routes import Route

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_LIST = re.compile(r'\s*(W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*(,\s*(W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*)*\Z')
_NO_VERSION = 'the header If-Match is missing; read it first, and send its ETag, or its version as "v<version>" (of version 7, "v7")'
_CODING = re.compile(r"(?<=[0-9a-f])-(?:br|gzip)\Z")
_VERSION = re.compile(r"v([0-9]{1,18})(-|\Z)")


def etag(body: bytes, version: int | None = None) -> str:
    """The strong entity tag of a response, quotes included."""
    digest = hashlib.sha256(body).hexdigest()[:24]  # with CPU support, twice as fast as BLAKE2
    return f'"{digest}"' if version is None else f'"v{version}-{digest}"'


def coded_tag(tag: str, coding: str) -> str:
    """The strong entity tag of a compressed variant of the response with this one."""
    return f'{tag[:-1]}-{coding}"'


def unchanged(if_none_match: str, tag: str) -> str | None:
    """The tag of the same response, or of a compressed variant of it, in ``If-None-Match``, in the client's spelling, which a 304 must repeat (RFC 9111, 4.3.4);
    None if there is none. Uses the weak comparison, as GET requires."""
    if if_none_match == tag or if_none_match.strip() == "*":
        return tag
    digest = _digest(tag.removeprefix("W/")[1:-1])
    return next((f'"{opaque}"' for _, opaque in _TAG.findall(if_none_match) if _digest(opaque) == digest), None)


def behind(tag: str, if_none_match: str) -> bool:
    """Whether ``If-None-Match`` shows that the client has a later version than ``tag``, with another content."""
    if not if_none_match:
        return False
    ours = _VERSION.match(tag.removeprefix('"'))
    if ours is None or unchanged(if_none_match, tag) is not None:
        return False
    theirs = (_VERSION.match(opaque) for _, opaque in _TAG.findall(if_none_match))
    return any(int(found[1]) > int(ours[1]) for found in theirs if found)


def _digest(opaque: str) -> str:
    """What two tags of one content have in common: neither its version nor its coding."""
    found = _VERSION.match(opaque)
    digest = opaque[found.end() :] or opaque if found else opaque
    return _CODING.sub("", digest)


def if_match(route: Route, headers: Mapping[str, str]) -> int | None:
    """The version that a request to a route is about, None if the route needs none or any will do; raises as :func:`version_named` does,
    and a 428 if the route needs one. A header without a value is not as none: its sender wants no change of whatever is there."""
    given = headers.get("if-match")
    if not given and route.if_match:
        raise Refusal("if-match", _NO_VERSION)
    if given is None or not (route.if_match or route.may_match):
        return None
    return version_named(given)


def version_named(if_match: str) -> int | None:
    """The version that ``If-Match`` names, None for ``*`` (any).

    Raises ``Stale`` for a tag that cannot be the current one (weak, or without a version), and a 400 for a malformed tag or
    more than one.
    """
    if if_match.strip() == "*":
        return None
    if not _LIST.match(if_match):
        raise Refusal("malformed", 'If-Match must be an ETag with its quotes, such as "v7"')
    tags = _TAG.findall(if_match)
    if len(tags) != 1:
        raise Refusal("malformed", "If-Match must name one version, the one that you have read")
    weak, opaque = tags[0]
    found = _VERSION.match(opaque)
    if weak or not found:
        raise Stale(
            'If-Match names no version of this; read it again, and send its ETag, or its version as "v<version>" (of version 7, "v7")'
        )
    return int(found[1])
