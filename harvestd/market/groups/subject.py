"""Buyer groups: members, wholesale, a social price. Prices and visibility go by them."""

from __future__ import annotations

from harvestd.kernel import errors
from harvestd.kernel.permissions import Permission
from harvestd.market.accounts.closing_actions import Closed
from harvestd.market.accounts.export_actions import Exported
from harvestd.market.groups import actions, routes, shapes
from harvestd.market.subject import Subject
from harvestd.web.context import CountedPage
from harvestd.web.routes import Mode, Route, Section

_GROUPS = Section("groups", "Groups of buyers, for the market's staff.", shapes.WORDS)

SUBJECT = Subject(
    name="groups",
    listeners={Closed: actions.leave_all, Exported: actions.export},
    routes=(
        Route(method="GET", path="/api/groups", operation="listGroups", handler=routes.listed, permission=Permission.SEE_GROUPS, mode=Mode.FRESH, section=_GROUPS,
              summary="Groups of buyers, newest first", query=shapes.GroupsQuery, answer=CountedPage[shapes.Group], limit="rate_read"),
        Route(method="POST", path="/api/groups", operation="createGroup", handler=routes.create, permission=Permission.MANAGE_GROUPS, mode=Mode.WRITE, section=_GROUPS,
              summary="Make a group of buyers", body=shapes.NewGroup, rules=routes.faults, answer=shapes.Group, status=201, key="optional", errors=(errors.AlreadyTaken,),
              description="Names are unique regardless of case. A market has 200 at most."),
        Route(method="GET", path="/api/groups/{id}", operation="getGroup", handler=routes.see, permission=Permission.SEE_GROUPS, mode=Mode.FRESH, section=_GROUPS,
              summary="A group of buyers", answer=shapes.Group, limit="rate_read", errors=(errors.NotFound,)),
        Route(method="PATCH", path="/api/groups/{id}", operation="changeGroup", handler=routes.change, permission=Permission.MANAGE_GROUPS, mode=Mode.WRITE, section=_GROUPS,
              summary="Change a group", body=shapes.ChangeGroup, rules=routes.faults, answer=shapes.Group, may_match=True, errors=(errors.NotFound, errors.AlreadyTaken)),
        Route(method="DELETE", path="/api/groups/{id}", operation="deleteGroup", handler=routes.delete, permission=Permission.MANAGE_GROUPS, mode=Mode.WRITE, section=_GROUPS,
              summary="Delete a group; its members stay what they are", status=204, may_match=True, errors=(errors.NotFound,)),
        Route(method="GET", path="/api/groups/{id}/members", operation="listGroupMembers", handler=routes.list_members, permission=Permission.SEE_GROUPS, mode=Mode.FRESH,
              section=_GROUPS, summary="Who is in a group, in the order in which they joined", query=shapes.GroupMembersQuery,
              answer=CountedPage[shapes.GroupMember], limit="rate_read", errors=(errors.NotFound,)),
        Route(method="POST", path="/api/groups/{id}/members", operation="addGroupMemberByAddress", handler=routes.add_by_address, permission=Permission.MANAGE_GROUPS,
              mode=Mode.WRITE, section=_GROUPS, summary="Put somebody in a group, by their e-mail address", body=shapes.NewGroupMember, rules=routes.address_faults,
              answer=shapes.GroupMember, errors=(errors.NotFound, errors.Conflict),
              description="As with their id: to say it again changes nothing. 422 where nobody with an open account has the address, or it is not confirmed."),
        Route(method="PUT", path="/api/groups/{id}/members/{user_id}", operation="addGroupMember", handler=routes.add, permission=Permission.MANAGE_GROUPS, mode=Mode.WRITE,
              section=_GROUPS, summary="Put somebody in a group", answer=shapes.GroupMember, errors=(errors.NotFound, errors.Conflict),
              description="It counts from their next request on. To say it again changes nothing. One person is in 50 groups at most."),
        Route(method="DELETE", path="/api/groups/{id}/members/{user_id}", operation="removeGroupMember", handler=routes.remove, permission=Permission.MANAGE_GROUPS,
              mode=Mode.WRITE, section=_GROUPS, summary="Take somebody out of a group", status=204, errors=(errors.NotFound,)),
    ),
)  # fmt: skip
