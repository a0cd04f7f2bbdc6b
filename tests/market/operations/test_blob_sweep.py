"""The sweep of blobs: after it and its grace, nothing is stored without a row, and each row's thing is there or marked as lost."""

from __future__ import annotations

import os
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import attrs
import pytest

from harvestd.interfaces import IBlobs
from harvestd.kernel.errors import Unavailable
from harvestd.market.accounts import avatar_routes
from harvestd.market.operations.blob_sweep import GRACE, sweep
from harvestd.store.blobs.comparing import MISSING, STRAY, compared
from harvestd.store.blobs.folder import folder_of
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

    async def has(self, key: str) -> bool:
        return await self.blobs.has(key)

    def address(self, key: str) -> str:
        return self.blobs.address(key)

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


async def found(market: Market) -> list[tuple[str, int]]:
    """What ``harvestctl check`` says of the folder: the rules that are broken, and by how much."""
    parts = market.parts
    return [(one.rule, one.count) for one in await compared(parts.database.settings.dsn, parts.blobs)]


@pytest.mark.logs_errors
async def test_the_check_finds_what_a_killed_upload_left_and_the_sweep_takes_it(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await market.person()
    await put(ann, picture())
    kept = set(files(market))

    async def dies(*_: Any) -> None:
        raise ZeroDivisionError("the process ends between its files and their rows")

    with monkeypatch.context() as killing:
        killing.setattr(avatar_routes, "_replace", dies)
        assert (await put(await market.person(), picture())).status == 500
    left = set(files(market)) - kept
    unfinished = next(iter(left)).with_name(".new-0123456789abcdef")
    unfinished.write_bytes(b"half")
    assert len(left) == 4 and await found(market) == [], "it may be under way"
    for path in (*left, unfinished, *kept):
        os.utime(path, (1e9, 1e9))
    assert await found(market) == [(STRAY, 5)]
    await sweep(market.parts)
    assert set(files(market)) == kept and await found(market) == []


async def test_the_check_finds_rows_whose_file_is_gone(market: Market) -> None:
    """At once, before the sweep has marked them; dropped rows need no file."""
    ann, bob = await market.person(), await market.person()
    for person in (ann, bob):
        await put(person, picture())
    files(market)[0].unlink()
    assert await found(market) == [(MISSING, 1)]
    folder_of(market.parts.settings).rename(folder_of(market.parts.settings).with_name("elsewhere"))
    assert await found(market) == [(MISSING, 8)], "of a folder that is not mounted"
    for person in (ann, bob):
        assert (await person.request("DELETE", "/api/users/me/avatar")).status == 204
    assert await found(market) == []
