"""Payloads of the farm events."""

from __future__ import annotations

from uuid import UUID

from harvestd.kernel.events import Data


class FarmUpdated(Data, frozen=True, kw_only=True):
    """A farm changed, with the names of the changed fields."""

    farm_id: UUID
    changed: tuple[str, ...]


class FarmMemberInvited(Data, frozen=True, kw_only=True):
    """Somebody was invited to a farm, and has to be mailed so."""

    farm_id: UUID
    invitation_id: UUID


class FarmMember(Data, frozen=True, kw_only=True):
    """Somebody has joined a farm, left it, was taken out, or has another role; ``role`` is the one that they have then (empty: none), ``actor_id``
    whose doing it was."""

    farm_id: UUID
    user_id: UUID
    actor_id: UUID
    role: str


class FarmMemberClosed(Data, frozen=True, kw_only=True):
    """Somebody who belonged to a farm in a ``role`` has closed their account for good. It says nothing of who that was, which is erased."""

    farm_id: UUID
    role: str


class FarmImprintChanged(Data, frozen=True, kw_only=True):
    """A verified farm has changed its imprint, and has to be looked at again."""

    farm_id: UUID


class FarmRenamed(Data, frozen=True, kw_only=True):
    """A verified farm has another name, and has to be looked at again."""

    farm_id: UUID
    before: str
    after: str


class FarmJudged(Data, frozen=True, kw_only=True):
    """The market has verified or suspended a farm."""

    farm_id: UUID
    reason: str
