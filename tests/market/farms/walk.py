"""The operations of farms, each once, as a person of the demo would ask for them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from tests.openapi.steps import ADMIN, FARMER, SUNNY_ACRES, Step

#: The smallest PDF that is one, in base64.
PAPER = base64.b64encode(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n").decode()


def _ada(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """Ada signs in with the password that she has by then."""
    return {"ada": ask("POST", "/api/auth/login", {"email": "ada@example.org", "password": "carrots by the crate"})}


def _another(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """Somebody else is invited by mistake."""
    body = {"email": "carla@example.org", "role": "packer"}
    return {"mistaken": ask("POST", f"/api/farms/{SUNNY_ACRES}/members", body, known["tokens"][FARMER])}


STEPS: tuple[Step, ...] = (
    Step("listFarms", parameters={"q": "Sunny", "limit": "1"}),
    Step("getFarm", parameters={"id": SUNNY_ACRES}),
    Step("updateFarm", FARMER, {"id": SUNNY_ACRES}, {"description": "Vegetables and fruit, grown without sprays.",
         "pickup_points": [{"name": "At the gate", "address": "1 Orchard Lane", "position": {"latitude": 51.2, "longitude": -0.7}, "hours": "Fri 14:00-18:00"}],
         "delivery": {"areas": [{"name": "Town", "postcodes": ["GU1 1AA", "GU1 1AB"], "fee": 390, "minimum": 1500, "free_from": 5000}], "note": "On Fridays."},
          "order_minimum": 500, "benefits": ["snap", "wic_fmnp"], "external_id": "erp/17", "metadata": {"route": "north"},
         "certificates": [{"scheme": "EU organic", "body_code": "DE-ÖKO-006", "number": "DE-123", "valid_until": "2099-12-31"}],
         "away": [{"from": "2099-08-01", "to": "2099-08-14", "note": "We are in the mountains."}],
         "imprint": {"legal_name": "Sunny Acres Ltd", "address": "1 Orchard Lane", "register": "Companies House 01234567", "tax_number": "GB123456789"}}),
    Step("createFarm", token="{ada.access_token}", body={"name": "Corn Corner"}, prepare=_ada),
    Step("judgeFarm", ADMIN, {"id": SUNNY_ACRES}, {"state": "verified", "reason": "Visited in May."}),
    Step("inviteMember", FARMER, {"id": SUNNY_ACRES}, {"email": "carl@example.org", "role": "packer"}),
    Step("listInvitations", FARMER, {"id": SUNNY_ACRES}),
    Step("acceptInvitation", token="{carl.access_token}", parameters={"token": "{mail.carl.invitation}"}),
    Step("withdrawInvitation", FARMER, {"id": SUNNY_ACRES, "invitation_id": "{mistaken.id}"}, prepare=_another),
    Step("addDocument", FARMER, {"id": SUNNY_ACRES}, {"kind": "organic_certificate", "title": "Organic certificate 2026", "content": PAPER}),
    Step("listDocuments", FARMER, {"id": SUNNY_ACRES}),
    Step("getDocument", FARMER, {"id": SUNNY_ACRES, "document_id": "{addDocument.id}"}),
    Step("deleteDocument", FARMER, {"id": SUNNY_ACRES, "document_id": "{addDocument.id}"}),
    Step("listMembers", FARMER, {"id": SUNNY_ACRES}),
    Step("changeMember", FARMER, {"id": SUNNY_ACRES, "user_id": "{carl.user.id}"}, {"role": "driver"}),
    Step("removeMember", FARMER, {"id": SUNNY_ACRES, "user_id": "{carl.user.id}"}),
)  # fmt: skip
