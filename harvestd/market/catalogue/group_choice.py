"""The groups that products name, by id or slug, as the ids by which they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.slugs import is_id
from harvestd.market.catalogue.rules import Offer
from harvestd.store.postgres.statements import Reader, Statement

_FIND = Statement(
    "group_choice.find",
    "select id::text, slug from groups where id = any(:ids::uuid[]) or slug = any(:slugs::text[])",
    lambda id, slug: (id, slug),
)


@attrs.frozen
class Groups:
    """Those of the groups that are there, by id and by slug."""

    ids: Mapping[str, str]

    def named(self, given: Mapping[str, Any], before: Offer | None) -> tuple[dict[str, Any], list[FieldError]]:
        """The given fields of a product with ids for its groups; and those that do not exist. One that the product (None: a new one) has
        already may have been deleted since."""
        own = frozenset() if before is None else named(before)
        known = {**{id: id for id in own}, **self.ids}
        wrong = [_unknown(path) for path, token in _tokens(given) if token not in known]
        if wrong:
            return dict(given), wrong
        found = dict(given)
        if given.get("visible_to"):
            found["visible_to"] = tuple(known[token] for token in given["visible_to"])
        if given.get("prices"):
            found["prices"] = tuple(attrs.evolve(one, group=known[one.group]) for one in given["prices"])
        return found, []


_SLUGS = Statement(
    "group_choice.slugs", "select id::text, slug from groups where id = any(:ids::uuid[])", lambda id, slug: (id, slug)
)


async def slugs(reader: Reader, ids: Iterable[str]) -> dict[str, str]:
    """The slugs of those of the groups that are there, by id. Without any it costs nothing."""
    asked = sorted(ids)
    return dict(await reader.rows(_SLUGS, ids=asked)) if asked else {}


async def look(reader: Reader, given: Iterable[Mapping[str, Any]]) -> Groups:
    """The groups that products name, in one statement; none if they name none."""
    asked = {token for one in given for _, token in _tokens(one)}
    if not asked:
        return Groups({})
    ids = [token for token in asked if is_id(token)]
    rows = await reader.rows(_FIND, ids=sorted(ids), slugs=sorted(asked.difference(ids)))
    return Groups({token: id for id, slug in rows for token in (id, slug)})


def _tokens(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each group that is named, with its place."""
    yield from ((f"visible_to[{i}]", token) for i, token in enumerate(given.get("visible_to") or ()))
    yield from ((f"prices[{i}].group", one.group) for i, one in enumerate(given.get("prices") or ()))


def named(offer: Offer) -> frozenset[str]:
    """The ids of the groups that an offer names."""
    return frozenset({*offer.visible_to, *(one.group for one in offer.prices)})


def _unknown(path: str) -> FieldError:
    where = "GET /api/farms/{id}/groups"
    message = f"is no group of buyers; {where} lists them"
    return FieldError(path, message, code="not-found", params={"reason": "group", "list": where})
