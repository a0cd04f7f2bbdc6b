"""Farms: the sellers, their locations, and their pick-up points."""

from __future__ import annotations

from typing import Any

from harvestd.kernel import errors
from harvestd.kernel.families import FARMS
from harvestd.kernel.permissions import Permission
from harvestd.market.accounts.actions import Registered
from harvestd.market.farms import actions, events, routes, shapes
from harvestd.market.subject import Subject
from harvestd.web.context import CountedPage
from harvestd.web.routes import LONG_BODY, Cached, Mode, Route, Section, always

_FARMS = Section(
    "farms", "The sellers: where they are, when they sell, and how their goods reach the buyer.", shapes.WORDS
)


def _farm(path: dict[str, str], query: Any) -> tuple[str, ...]:
    return (f"farm:{path['id']}",)


SUBJECT = Subject(
    name="farms",
    events={"farm.updated": events.FarmUpdated},
    listeners={Registered: actions.found},
    routes=(
        Route(method="GET", path="/api/farms", operation="listFarms", handler=routes.listed, permission=None, mode=Mode.READ, section=_FARMS,
              summary="Farms, newest first or nearest first", query=shapes.FarmsQuery, answer=CountedPage[shapes.Farm],
              cached=Cached(always(FARMS)), limit="rate_read"),
        Route(method="GET", path="/api/farms/{id}", operation="getFarm", handler=routes.page, permission=None, mode=Mode.READ, section=_FARMS,
              summary="A farm, by id or slug", answer=shapes.Farm, cached=Cached(_farm), limit="rate_read", errors=(errors.NotFound,)),
        Route(method="PATCH", path="/api/farms/{id}", operation="updateFarm", handler=routes.change, permission=Permission.CHANGE_FARM, mode=Mode.WRITE, section=_FARMS,
              summary="Change a farm", body=shapes.ChangeFarm, rules=routes.faults, answer=shapes.Farm, if_match=True, body_limit=LONG_BODY,
              errors=(errors.NotFound, errors.Forbidden, errors.AlreadyTaken)),
    ),
)  # fmt: skip
