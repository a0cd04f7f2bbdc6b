"""Payloads of the events of pictures."""

from __future__ import annotations

from uuid import UUID

from harvestd.kernel.events import Data


class ImageUploaded(Data, frozen=True, kw_only=True):
    """The original of a picture is stored; ``blob`` is the id of its blob."""

    image_id: UUID
    product_id: UUID
    blob: UUID
