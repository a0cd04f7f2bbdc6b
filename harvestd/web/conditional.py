"""Entity tags and the requests that depend on them (RFC 9110, 8.8.3 and 13.1).

The ETag of a single thing is ``"v7-<digest of the answer>"``: strong, since the digest changes with any byte, and
telling ``If-Match`` the version, whatever else was counted meanwhile. Of an answer without a version it is the digest.
"""

from __future__ import annotations

import hashlib
import re

from harvestd.market.errors import Stale
from harvestd.web.problems import Refusal

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_LIST = re.compile(r'\s*(W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*(,\s*(W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*)*\Z')
_VERSION = re.compile(r"v([0-9]{1,18})(-|\Z)")


def etag(body: bytes, version: int | None = None) -> str:
    """The strong entity tag of an answer, quotes included."""
    digest = hashlib.sha256(body).hexdigest()[:24]  # where the processor helps, twice as fast as BLAKE2
    return f'"{digest}"' if version is None else f'"v{version}-{digest}"'


def unchanged(if_none_match: str, tag: str) -> bool:
    """Whether ``If-None-Match`` names the tag, by weak comparison as for GET it must be."""
    if if_none_match == tag or if_none_match.strip() == "*":
        return True
    opaque = tag.removeprefix("W/")
    return any(f'"{found[1]}"' == opaque for found in _TAG.findall(if_none_match))


def behind(tag: str, if_none_match: str) -> bool:
    """Whether ``If-None-Match`` tells that its sender has seen a later version than that of ``tag``."""
    ours = _VERSION.match(tag.removeprefix('"'))
    if ours is None or if_none_match == tag:
        return False
    theirs = (_VERSION.match(opaque) for _, opaque in _TAG.findall(if_none_match))
    return any(int(found[1]) > int(ours[1]) for found in theirs if found)


def version_named(if_match: str) -> int | None:
    """The version that ``If-Match`` names, None for ``*`` (any).

    Raises ``Stale`` for a tag that cannot be the present one (weak, or of another form), and a 400 for what is no tag or
    more than one.
    """
    if if_match.strip() == "*":
        return None
    if not _LIST.match(if_match):
        raise Refusal("malformed", 'If-Match: send the ETag as it was read, quotes included, such as "v7"')
    tags = _TAG.findall(if_match)
    if len(tags) != 1:
        raise Refusal("malformed", "If-Match: name one version, the one that you have read")
    weak, opaque = tags[0]
    found = _VERSION.match(opaque)
    if weak or not found:
        raise Stale("If-Match names no version of this; read it again and send its ETag")
    return int(found[1])
