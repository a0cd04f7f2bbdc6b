"""What a person agreed to, when, and in which version."""

from __future__ import annotations

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.market.accounts import confirming
from harvestd.market.accounts import consent_rows as rows
from harvestd.market.accounts.consent_shapes import Consent, Consents, PutConsents
from harvestd.web.context import RequestContext


async def see(request: RequestContext) -> Consents:
    """What stands: the latest of each kind."""
    found = await rows.latest(request.reader, request.user.user_id)
    return Consents(items=[Consent(kind=c.kind, version=c.version, agreed=c.agreed, at=c.at) for c in found])


async def put(request: RequestContext, body: PutConsents) -> Consents:
    """Add what the person says now; what they said before is kept. Nobody says it for them."""
    confirming.check_oneself(request)
    kinds = [one.kind for one in body.items]
    twice = [
        FieldError(f"items[{n}].kind", "is given twice", code="given-twice")
        for n, kind in enumerate(kinds)
        if kind in kinds[:n]
    ]
    if twice:
        raise Invalid("one answer a kind", tuple(twice))
    given = [(one.kind, one.version, one.agreed) for one in body.items]
    await rows.add(request.tx, request.user.user_id, given, request.machine_now)
    return await see(request)
