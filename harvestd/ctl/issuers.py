"""Doctor's check of the issuer with whose accounts people sign in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from harvestd.ctl.check_result import CheckResult
from harvestd.interfaces import Attempt, IssuerAway
from harvestd.settings.table import Settings


async def issuer(reactor: Any, settings: Settings) -> AsyncIterator[CheckResult]:
    """Check that it says what is needed to send people there; its client id and secret are tried by the first who signs in."""
    if not settings.oidc_client_id:
        return
    from harvestd.partners.oidc import OidcIssuer

    one = OidcIssuer(
        reactor, settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, lambda: datetime.now(UTC)
    )
    back = f"{settings.public_url}/api/auth/google/callback"
    try:
        await one.address(Attempt(back, "doctor", "doctor", "doctor"))
    except IssuerAway as error:
        cure = "correct oidc_issuer, mend the network, or unset oidc_client_id; people sign in with their passwords meanwhile"
        yield CheckResult("issuer", False, error.detail, cure)
        return
    yield CheckResult("issuer", True, f"{settings.oidc_issuer} answers; it must have {back} as a redirect URI")
