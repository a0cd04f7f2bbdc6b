"""Whether the server is alive and ready, for whoever watches it, and its metrics, for its operator."""

from __future__ import annotations

import hmac

from harvestd.market.operations.shapes import Alive, Ready, ReadyPart
from harvestd.runtime import scrape
from harvestd.web.context import RequestContext, Result
from harvestd.web.http.client_address import is_loopback
from harvestd.web.problems import Refusal

#: A probe that takes longer counts as down, since readiness is polled often.
PROBE_BOUND = 1.0


async def alive(request: RequestContext) -> Alive:
    """Liveness: the process answers. Checks nothing else."""
    return Alive(status="ok")


async def ready(request: RequestContext) -> Result:
    """Readiness: 503 while a component that requests need is down, or the process is stopping."""
    health = request.parts.health
    conditions = await health.look(request.parts.reactor, PROBE_BOUND)
    told = _refused_as_operator(request) is None  # details name servers and files
    parts = {name: ReadyPart(state=c.state, detail=c.detail if told else "") for name, c in conditions.items()}
    stopping = request.parts.lifecycle.stopping
    status = "down" if stopping else health.overall(conditions)
    headers = (("Retry-After", "2"),) if status == "down" else ()
    return Result(Ready(status=status, parts=parts, stopping=stopping), 503 if status == "down" else 200, headers)


async def metrics(request: RequestContext) -> Result:
    """Prometheus text, for the operator."""
    refusal = _refused_as_operator(request)
    if refusal is not None:
        raise refusal
    await request.parts.metrics.scrape.refresh()
    return Result(await request.parts.metrics.scrape.render(), media_type=scrape.CONTENT_TYPE)


def _refused_as_operator(request: RequestContext) -> Refusal | None:
    """Why the caller is not accepted as the operator; None if they are: by the token of the setting or, if none is set, from this
    machine and not through a proxy, whomever that claims to speak for."""
    token = request.parts.settings.metrics_token
    if token:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return Refusal("unauthenticated", "send the setting metrics_token as Authorization: Bearer <token>")
        return None
    if not (request.direct() and is_loopback(request.address)):
        return Refusal("forbidden", "metrics are for this machine alone; set metrics_token to read them from elsewhere")
    return None
