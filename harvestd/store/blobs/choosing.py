"""Which store of blobs a market has, by its settings: a folder, or S3, whose modules are imported only then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harvestd.interfaces import IBlobs
from harvestd.runtime.shortages import Shortages
from harvestd.settings.table import Settings
from harvestd.store.blobs.folder import FolderBlobs, folder_of

if TYPE_CHECKING:
    from harvestd.store.blobs.s3 import S3Blobs


def store_of(reactor: Any, settings: Settings, shortages: Shortages, now: Callable[[], datetime]) -> tuple[IBlobs, S3Blobs | None]:  # fmt: skip
    """The store, and once more if it is S3, which is started and watched."""
    if not settings.s3_url:
        return FolderBlobs(reactor, folder_of(settings), shortages), None
    from harvestd.store.blobs.s3 import S3Blobs
    from harvestd.store.s3.bucket import Bucket
    from harvestd.store.s3.client import S3Client
    from harvestd.store.s3.objects import Objects

    bucket = Bucket.of(settings.s3_url, settings.s3_region, settings.s3_style)
    client = S3Client(reactor, bucket, settings.s3_timeout, now)
    store = S3Blobs(Objects(bucket, client, now), settings.media_base, shortages)
    return store, store


def name_of(settings: Settings) -> str:
    """What people call it, without its key."""
    if not settings.s3_url:
        return f"the folder {folder_of(settings)}"
    url = urlsplit(settings.s3_url)
    return f"the bucket {url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"
