"""The pictures of a product, as they are shown."""

from __future__ import annotations

from typing import Annotated

from harvestd.web.shapes import Out
from harvestd.web.vocabulary import closed

ImageStatusOut = Annotated[
    str, closed("ImageStatus", ("processing", "ready", "failed"), "Whether a picture can be shown.")
]


class ImageFile(Out, kw_only=True, frozen=True):
    """A picture in one size."""

    webp: str
    jpeg: str
    width: int
    height: int


class ImageSizes(Out, kw_only=True, frozen=True):
    """A picture in each size: it fits into a square of 320, 800 and 1600 pixels."""

    small: ImageFile
    medium: ImageFile
    large: ImageFile


class Image(Out, kw_only=True, frozen=True):
    """A picture of a product, made in each size."""

    id: str
    status: ImageStatusOut
    alt: str
    position: int
    width: int
    height: int
    dominant_color: str
    sizes: ImageSizes


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "alt": "Alternative text: what the picture shows.",
    "dominant_color": "Dominant colour of the picture, as `#rrggbb`.",
    "position": "Position among the pictures.",
    "width": "Width in pixels.",
    "height": "Height in pixels.",
    "Image.sizes": "The picture in each size, never enlarged.",
    "ImageSizes.small": "For lists: 320 pixels at most.",
    "ImageSizes.medium": "For a page on a telephone: 800 pixels at most.",
    "ImageSizes.large": "For a page: 1600 pixels at most.",
    "webp": "Address of the WebP file, below this server's; it is for one content, for good.",
    "jpeg": "Address of the JPEG file, for clients that do not show WebP.",
}  # fmt: skip
