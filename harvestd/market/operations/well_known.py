"""Addresses that programs know beforehand (RFC 8615)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from harvestd.kernel.errors import NotFound
from harvestd.market.operations.shapes import KeySet, PublicKey
from harvestd.web import signing_keys
from harvestd.web.context import RequestContext, Result

#: Others may keep the keys for an hour: a new one is in the set for thirty days before it signs.
_HOUR = ("Cache-Control", "public, max-age=3600")
#: A link set that is an API catalogue (RFC 9264, RFC 9727).
LINKSET = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
#: For how long what security.txt says can be relied on.
GOOD_FOR = timedelta(days=90)


async def keys(request: RequestContext) -> Result:
    """The public keys that verify access tokens (RFC 7517)."""
    found = signing_keys.public_set(request.parts.secret, request.machine_now)
    return Result(KeySet(keys=[PublicKey(**key) for key in found]), headers=(_HOUR,))


async def api_catalog(request: RequestContext) -> Result:
    """Where the API is described (RFC 9727)."""
    links: dict[str, Any] = {
        "anchor": f"{request.parts.settings.public_url}/",
        "service-desc": [{"href": "/openapi.json", "type": "application/vnd.oai.openapi+json"}],
        "service-doc": [{"href": "/docs", "type": "text/html"}],
        "service-meta": [{"href": "/api/market", "type": "application/json"}],
        "status": [{"href": "/health/ready", "type": "application/json"}],
    }
    headers = (_HOUR, ("Link", '</.well-known/api-catalog>; rel="api-catalog"'))
    return Result(msgspec.json.encode({"linkset": [links]}), headers=headers, media_type=LINKSET)


async def security(request: RequestContext) -> Result:
    """Whom to tell of a vulnerability (RFC 9116)."""
    contact = request.parts.settings.security_contact
    if not contact:
        raise NotFound("this market has not said whom to tell of a vulnerability")
    until = (request.machine_now + GOOD_FOR).strftime("%Y-%m-%dT00:00:00Z")
    where = contact if ":" in contact else f"mailto:{contact}"
    text = f"Contact: {where}\nExpires: {until}\nPreferred-Languages: {', '.join(request.parts.settings.market_languages)}\n"
    return Result(text.encode(), headers=(_HOUR,), media_type="text/plain; charset=utf-8")
