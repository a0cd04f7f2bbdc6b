"""The operations of groups, each once, as a person of the demo would ask for them."""

from __future__ import annotations

from tests.openapi.steps import ADMIN, FARMER, FAY, Step

STEPS: tuple[Step, ...] = (
    Step("createGroup", ADMIN, body={"name": "Restaurants", "description": "Wholesale, by the crate."}),
    Step("listGroups", ADMIN),
    Step("getGroup", ADMIN, {"id": "{createGroup.id}"}),
    Step("changeGroup", ADMIN, {"id": "{createGroup.id}"}, {"name": "Restaurants and shops"}),
    Step("addGroupMember", ADMIN, {"id": "{createGroup.id}", "user_id": FAY}),
    Step("addGroupMemberByAddress", ADMIN, {"id": "{createGroup.id}"}, {"email": FARMER}),
    Step("listGroupMembers", ADMIN, {"id": "{createGroup.id}"}),
    Step("removeGroupMember", ADMIN, {"id": "{createGroup.id}", "user_id": FAY}),
    Step("deleteGroup", ADMIN, {"id": "{createGroup.id}"}),
)
