"""An account's picture, as the contract has it."""

from __future__ import annotations

from harvestd.process.pictures import Wanted
from harvestd.web import uploads
from harvestd.web.shapes import Out

#: The sizes that a picture is made in, in pixels.
SIZES = (Wanted("small", 64, 64), Wanted("large", 256, 256))


class Picture(Out, kw_only=True, frozen=True):
    """A picture in one size."""

    webp: str
    jpeg: str
    width: int
    height: int


class AvatarSizes(Out, kw_only=True, frozen=True):
    """A picture in each size."""

    small: Picture
    large: Picture


class Avatar(Out, kw_only=True, frozen=True):
    """The picture of an account."""

    sizes: AvatarSizes


class PutAvatar(uploads.Uploaded, kw_only=True, frozen=True):
    """A picture: JPEG, PNG, WebP, GIF or AVIF."""


def avatar_of(blob_id: str | None) -> Avatar | None:
    """The picture of an account that has one. The addresses change with the picture."""
    if blob_id is None:
        return None
    small, large = (_picture(blob_id, one) for one in SIZES)
    return Avatar(sizes=AvatarSizes(small=small, large=large))


def _picture(blob_id: str, size: Wanted) -> Picture:
    base = f"/api/blobs/{blob_id}/{size.name}"
    return Picture(webp=f"{base}.webp", jpeg=f"{base}.jpg", width=size.width, height=size.height)


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    **uploads.WORDS,
    "avatar": "Addresses of the account's picture, below this server's; null without one.",
    "Avatar.sizes": "The picture in each size.",
    "small": "For lists.",
    "large": "For a page.",
    "Picture.webp": "Address of the picture as WebP.",
    "Picture.jpeg": "Address of the picture as JPEG, for clients that do not show WebP.",
    "Picture.width": "In pixels.",
    "Picture.height": "In pixels.",
}
