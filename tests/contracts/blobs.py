"""What every store of blobs does. A class of tests has the fixture ``blobs``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest

from harvestd.interfaces import IBlobs, NoSuchBlob

IDS = [f"0197f0a0-7c1e-7abc-8def-0123456789{n:02x}" for n in range(6)]
KEYS = [f"{one}.small.webp" for one in IDS]


class BlobsContract:
    """To be inherited from."""

    async def test_what_was_put_is_read_again_from_its_beginning(self, blobs: IBlobs) -> None:
        content = BytesIO(bytes(range(256)) * 1000)
        content.seek(77)
        await blobs.put(KEYS[0], content)
        assert await blobs.read(KEYS[0], 256_000) == content.getvalue()
        with await blobs.open(KEYS[0]) as file:
            assert file.read(4) == b"\x00\x01\x02\x03"

    async def test_a_second_put_replaces_the_first_as_a_whole(self, blobs: IBlobs) -> None:
        for content in (b"long" * 100, b"short"):
            await blobs.put(KEYS[0], BytesIO(content))
        assert await blobs.read(KEYS[0], 1000) == b"short"

    async def test_more_than_is_asked_for_is_never_read(self, blobs: IBlobs) -> None:
        await blobs.put(KEYS[0], BytesIO(b"x" * 11))
        with pytest.raises(ValueError):
            await blobs.read(KEYS[0], 10)

    async def test_what_is_not_there_is_told_and_deleting_it_is_nothing(self, blobs: IBlobs) -> None:
        await blobs.put(KEYS[0], BytesIO(b"x"))
        for _ in range(2):
            await blobs.delete(KEYS[0])
        reads: list[Any] = [blobs.read(KEYS[0], 10), blobs.open(KEYS[0])]
        for reading in reads:
            with pytest.raises(NoSuchBlob):
                await reading

    async def test_a_listing_goes_through_all_of_it_once(self, blobs: IBlobs) -> None:
        for key in KEYS:
            await blobs.put(key, BytesIO(b"x"))
        found, place = [], ""
        while page := await blobs.listed(place, 2):
            assert len(page) <= 2
            found += page
            place = page[-1].place
        assert sorted(one.key for one in found) == KEYS
        assert all(abs(one.modified_at - datetime.now(UTC)) < timedelta(minutes=5) for one in found)

    async def test_tidying_keeps_what_is_whole(self, blobs: IBlobs) -> None:
        await blobs.put(KEYS[0], BytesIO(b"x"))
        await blobs.tidy(datetime.now(UTC) + timedelta(days=1))
        assert await blobs.read(KEYS[0], 10) == b"x"

    @pytest.mark.parametrize(
        "key", ["", "../secret", f"{IDS[0]}/x.webp", f"{IDS[0]}.a.webp\n", f"{IDS[0]}.../x", f"{IDS[0].upper()}.a.webp"]
    )
    async def test_what_is_no_key_reaches_no_store(self, blobs: IBlobs, key: str) -> None:
        with pytest.raises(ValueError):
            await blobs.put(key, BytesIO(b"x"))
        assert await blobs.listed("", 10) == []
