"""Doctor's check of S3, where people's files are if it is set."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from harvestd.ctl.check_result import CheckResult
from harvestd.kernel import blob_keys
from harvestd.kernel.errors import Unavailable
from harvestd.runtime.metrics import Metrics
from harvestd.settings.table import Settings
from harvestd.store.blobs.choosing import name_of, store_of

_CURE = "correct s3_url, s3_region or s3_style, or mend the network; pictures and documents are missing, and uploads are 503 meanwhile"


async def s3(reactor: Any, settings: Settings) -> AsyncIterator[CheckResult]:
    """Check that something can be put there, read, listed and deleted again."""
    _, store = store_of(reactor, settings, Metrics().shortages, lambda: datetime.now(UTC))
    if store is None:
        return
    content = secrets.token_bytes(64)
    key = blob_keys.of(f"00000000-0000-4000-8000-{secrets.token_hex(6)}", "doctor.bin")
    try:
        await store.put(key, BytesIO(content))
        read = await store.read(key, 64)
        await store.listed("", 1)
        await store.delete(key)
    except Unavailable as error:
        yield CheckResult("S3", False, f"{name_of(settings)}: {error.detail}", _CURE)
        return
    finally:
        await store.stop()
    cure = "somebody else writes there: give this market a bucket, or a prefix, of its own"
    yield CheckResult("S3", read == content, f"{name_of(settings)} keeps what it is given", cure)
