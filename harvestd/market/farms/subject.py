"""Farms: the sellers, their locations, and their pick-up points."""

from __future__ import annotations

from typing import Any

from harvestd.kernel import errors
from harvestd.kernel.families import FARMS
from harvestd.kernel.permissions import Permission
from harvestd.market.accounts.actions import Demoted, Opened, Registered
from harvestd.market.accounts.closing_actions import Closed
from harvestd.market.accounts.export_actions import Exported
from harvestd.market.farms import (
    actions,
    changes,
    document_routes,
    document_shapes,
    events,
    member_actions,
    member_routes,
    member_shapes,
    routes,
    shapes,
    state_routes,
    turning,
)
from harvestd.market.subject import Subject
from harvestd.queue.work import Due
from harvestd.web.context import CountedPage
from harvestd.web.routes import MANY_BODY, Cached, Mode, Route, Section, always

_FARMS = Section(
    "farms",
    "The sellers: where they are, when they sell, and how their goods reach the buyer.",
    {**shapes.WORDS, **member_shapes.WORDS, **document_shapes.WORDS},
)


def _farm(path: dict[str, str], query: Any) -> tuple[str, ...]:
    return (f"farm:{path['id']}",)


SUBJECT = Subject(
    name="farms",
    events={
        "farm.updated": events.FarmUpdated, "farm.member_invited": events.FarmMemberInvited, "farm.verified": events.FarmJudged,
        "farm.suspended": events.FarmJudged, "farm.imprint_changed": events.FarmImprintChanged,
        **dict.fromkeys(("farm.member_joined", "farm.member_left", "farm.member_removed", "farm.member_changed"), events.FarmMember),
        "farm.member_closed": events.FarmMemberClosed, "farm.renamed": events.FarmRenamed,
    },
    listeners={Registered: actions.found, Closed: member_actions.forget, Exported: member_actions.export, Demoted: member_actions.demoted,
               Opened: member_actions.opened},
    periodic=(Due("farms' days", 20.0, turning.turn, next_due=turning.next_due),),
    routes=(
        Route(method="GET", path="/api/farms", operation="listFarms", handler=routes.listed, permission=None, mode=Mode.READ, section=_FARMS,
              summary="Farms, newest first or nearest first", query=shapes.FarmsQuery, answer=CountedPage[shapes.ListedFarm],
              cached=Cached(always(FARMS)), limit="rate_read"),
        Route(method="GET", path="/api/farms/{id}", operation="getFarm", handler=routes.page, permission=None, scope=Permission.CHANGE_FARM, mode=Mode.READ, section=_FARMS,
              summary="A farm, by id or slug", answer=shapes.Farm, moves=True, cached=Cached(_farm, signed_in="own", absent=(FARMS,)), limit="rate_read",
              errors=(errors.NotFound,)),
        Route(method="PATCH", path="/api/farms/{id}", operation="updateFarm", handler=routes.change, permission=Permission.CHANGE_FARM, mode=Mode.WRITE, section=_FARMS,
              summary="Change a farm", body=shapes.ChangeFarm, rules=changes.faults, answer=shapes.Farm, if_match=True, body_limit=MANY_BODY,
              errors=(errors.NotFound, errors.Forbidden, errors.AlreadyTaken, errors.Conflict)),
        Route(method="POST", path="/api/farms", operation="createFarm", handler=state_routes.create, permission=Permission.FOUND_FARMS, mode=Mode.WRITE, section=_FARMS,
              summary="Found a farm, and own it", body=shapes.FoundFarm, rules=state_routes.name_faults, answer=shapes.Farm, status=201, key="optional", errors=(errors.AlreadyTaken,),
              description="Whoever founds one is a farmer from then on. It begins `pending` where the market approves farms; there a name that passes for that of a verified farm is 409."),
        Route(method="POST", path="/api/farms/{id}/verification", operation="judgeFarm", handler=state_routes.judge, permission=Permission.JUDGE_FARMS, mode=Mode.WRITE,
              section=_FARMS, summary="Verify a farm, suspend it, or have it wait", body=shapes.JudgeFarm, rules=state_routes.reason_faults, answer=shapes.Farm,
              errors=(errors.NotFound, errors.Conflict)),
        Route(method="GET", path="/api/farms/{id}/members", operation="listMembers", handler=member_routes.listed, permission=Permission.SEE_MEMBERS, mode=Mode.FRESH,
              section=_FARMS, summary="The members of a farm, in the order in which they joined", query=member_shapes.MembersQuery,
              answer=CountedPage[member_shapes.Member], limit="rate_read", errors=(errors.NotFound, errors.Forbidden)),
        Route(method="POST", path="/api/farms/{id}/members", operation="inviteMember", handler=member_routes.invite, permission=Permission.CHANGE_MEMBERS, mode=Mode.WRITE,
              section=_FARMS, summary="Invite somebody to a farm, by mail", body=member_shapes.Invite, rules=member_routes.faults, answer=member_shapes.Invitation,
              status=201, errors=(errors.NotFound, errors.Forbidden, errors.AlreadyTaken)),
        Route(method="PATCH", path="/api/farms/{id}/members/{user_id}", operation="changeMember", handler=member_routes.change, permission=Permission.CHANGE_MEMBERS,
              mode=Mode.WRITE, section=_FARMS, summary="Give a member another role", body=member_shapes.ChangeMember, answer=member_shapes.Member,
              errors=(errors.NotFound, errors.Forbidden, errors.Conflict), description="A farm keeps an owner: hand it on before you step down."),
        Route(method="DELETE", path="/api/farms/{id}/members/{user_id}", operation="removeMember", handler=member_routes.leave, permission=Permission.CHANGE_MEMBERS,
              mode=Mode.WRITE, section=_FARMS, summary="Take a member out, or leave a farm oneself", status=204, description="Every member may leave.",
              errors=(errors.NotFound, errors.Forbidden, errors.Conflict)),
        Route(method="GET", path="/api/farms/{id}/invitations", operation="listInvitations", handler=member_routes.invitations, permission=Permission.CHANGE_MEMBERS,
              mode=Mode.FRESH, section=_FARMS, summary="Invitations that were not answered, newest first", query=member_shapes.InvitationsQuery,
              answer=CountedPage[member_shapes.Invitation], limit="rate_read", errors=(errors.NotFound, errors.Forbidden)),
        Route(method="DELETE", path="/api/farms/{id}/invitations/{invitation_id}", operation="withdrawInvitation", handler=member_routes.withdraw,
              permission=Permission.CHANGE_MEMBERS, mode=Mode.WRITE, section=_FARMS, summary="Withdraw an invitation", status=204,
              errors=(errors.NotFound, errors.Forbidden)),
        Route(method="GET", path="/api/farms/{id}/documents", operation="listDocuments", handler=document_routes.listed, permission=Permission.SEE_DOCUMENTS, mode=Mode.FRESH,
              section=_FARMS, summary="A farm's papers, newest first", query=document_shapes.DocumentsQuery, answer=CountedPage[document_shapes.Document], limit="rate_read",
              errors=(errors.NotFound, errors.Forbidden), description="For those who run the farm, and the market's staff; never public."),
        Route(method="POST", path="/api/farms/{id}/documents", operation="addDocument", handler=document_routes.add, permission=Permission.CHANGE_DOCUMENTS, mode=Mode.OWN,
              section=_FARMS, summary="Add a paper to a farm: a certificate, an extract of a register", body=document_shapes.NewDocument, rules=document_routes.faults,
              answer=document_shapes.Document, status=201, upload=True, limit="rate_upload", endpoint_class="uploads",
              errors=(errors.NotFound, errors.Forbidden, errors.Invalid, errors.WrongKind, errors.Conflict),
              description="A PDF is kept as it is; a picture is made anew as JPEG, without what its file says of where it was taken."),
        Route(method="GET", path="/api/farms/{id}/documents/{document_id}", operation="getDocument", handler=document_routes.see, permission=Permission.SEE_DOCUMENTS,
              mode=Mode.FRESH, section=_FARMS, summary="The file of a farm's paper", media_type="application/octet-stream", media_types=("application/pdf", "image/jpeg"), download=True, limit="rate_read", endpoint_class="blobs",
              errors=(errors.NotFound, errors.Forbidden)),
        Route(method="DELETE", path="/api/farms/{id}/documents/{document_id}", operation="deleteDocument", handler=document_routes.delete,
              permission=Permission.CHANGE_DOCUMENTS, mode=Mode.WRITE, section=_FARMS, summary="Delete a farm's paper", status=204,
              errors=(errors.NotFound, errors.Forbidden)),
        Route(method="POST", path="/api/invitations/{token}/accept", operation="acceptInvitation", handler=member_routes.join, permission=Permission.OWN_ACCOUNT,
              mode=Mode.WRITE, section=_FARMS, summary="Accept an invitation to a farm", answer=member_shapes.Joined, limit="rate_login_address",
              endpoint_class="invitations", errors=(errors.NotFound, errors.Conflict, errors.Forbidden),
              description="The token is that of the mail's link. It is for the account of the address that was invited; a buyer becomes a farmer by it."),
    ),
)  # fmt: skip
