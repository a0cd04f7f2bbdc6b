"""The sweep of blobs: after it and its grace, nothing is stored without a row, and each row's thing is there or marked as lost."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import attrs
import pytest

from harvestd.interfaces import IBlobs
from harvestd.kernel.errors import Unavailable
from harvestd.market.operations.blob_sweep import GRACE, sweep
from tests.contracts.blobs import KEYS
from tests.market.accounts.test_avatars import addresses, files, put
from tests.people import Market
from tests.uploading import picture


def later(market: Market, than: timedelta) -> Any:
    """The parts, once so much time has passed."""
    now = market.parts.now
    return attrs.evolve(market.parts, now=lambda: now() + than)


async def test_what_has_no_row_goes_after_its_grace_and_not_before(market: Market) -> None:
    ann = await market.person()
    await put(ann, picture())
    await market.parts.blobs.put(KEYS[0], BytesIO(b"x"))
    await sweep(later(market, GRACE / 2))
    assert len(files(market)) == 5
    await sweep(later(market, 2 * GRACE))
    assert len(files(market)) == 4 and KEYS[0] not in {path.name for path in files(market)}
    assert market.parts.metrics.value("harvest_blobs_swept_total", what="without_row") == 1
    assert {(await market.stranger.get(address)).status for address in await addresses(ann)} == {200}


@attrs.frozen
class CannotDelete:
    """A store that is out of reach for whoever deletes."""

    blobs: IBlobs

    async def put(self, key: str, content: Any) -> None:
        await self.blobs.put(key, content)

    async def read(self, key: str, most: int) -> bytes:
        return await self.blobs.read(key, most)

    async def delete(self, key: str) -> None:
        raise Unavailable("the store is out of reach")


@pytest.mark.logs_errors
async def test_what_could_not_be_deleted_at_once_is_never_shown_and_swept(market: Market) -> None:
    from tests.web.conftest import make_market

    broken = make_market(attrs.evolve(market.parts, blobs=CannotDelete(market.parts.blobs)))
    ann = await broken.person()
    await put(ann, picture())
    before = await addresses(ann)
    assert (await ann.request("DELETE", "/api/users/me")).status == 204
    assert len(files(market)) == 4
    assert {(await market.stranger.get(address)).status for address in before} == {404}
    await sweep(market.parts)
    assert files(market) == []


@pytest.mark.logs_errors
async def test_a_row_whose_thing_is_gone_is_marked_until_it_is_back(market: Market) -> None:
    ann, bob = await market.person(), await market.person()
    for person in (ann, bob):
        await put(person, picture())
    blob_id = (await addresses(ann))[0].split("/")[3]
    missing = next(path for path in files(market) if path.name.startswith(blob_id))
    content = missing.read_bytes()
    missing.unlink()
    await sweep(later(market, 2 * GRACE))
    assert [one.rule for one in market.broken()] == [
        "a blob that is lost, or one dropped and not swept for three hours"
    ]
    missing.write_bytes(content)
    await sweep(later(market, 2 * GRACE))
    assert market.broken() == []


@pytest.mark.logs_errors
async def test_a_folder_that_is_not_mounted_loses_nothing(market: Market) -> None:
    ann = await market.person()
    await put(ann, picture())
    folder = Path(market.parts.settings.data_dir) / "blobs"
    folder.rename(folder.with_name("elsewhere"))
    await sweep(later(market, 2 * GRACE))
    assert market.broken() == []
