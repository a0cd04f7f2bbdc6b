"""The engine's indices and their two aliases: the index that is searched, and the one that a rebuild fills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from harvestd.market.search.elasticsearch.mapping import about, template
from harvestd.market.search.postgres.rows import NONE
from harvestd.store.elasticsearch.client import ElasticsearchClient, EngineError

#: Timeouts in seconds for a write, and for a refresh or an alias switch; no user waits for these.
PATIENCE, LONG = 10.0, 60.0


@attrs.frozen
class Names:
    """``alias`` is searched and written to; ``building`` is the index that will replace it, while there is one."""

    prefix: str

    @property
    def alias(self) -> str:
        return f"{self.prefix}-products"

    @property
    def building(self) -> str:
        return f"{self.prefix}-building"

    def index(self, moment: str) -> str:
        """The name of one index; ``moment`` makes it unique."""
        return f"{self.alias}-{moment}"


@attrs.frozen
class State:
    """The index behind the alias. ``uuid`` is the engine's own id for it, which is never reused; ``current`` says
    whether it was made by this version for this language."""

    uuid: str
    current: bool


class Indices:
    """Those of these names, for texts of this language, and of the ``others`` of the market (analysers by tag); ``timeout`` is that of :meth:`state`, in seconds. All raise
    ``Unavailable``."""

    def __init__(
        self, client: ElasticsearchClient, names: Names, language: str, timeout: float, others: Mapping[str, str] = NONE
    ) -> None:
        self.names = names
        self.timeout = timeout
        self._client = client
        self._language, self.others = language, others

    async def state(self) -> State | None:
        """The index that searches use; None if there is none."""
        path = f"/{self.names.alias}?filter_path=*.settings.index.uuid,*.mappings._meta"
        try:
            given = await self._client.call("GET", path, None, self.timeout)
        except EngineError as error:
            if error.status == 404:
                return None
            raise
        try:
            (index,) = given.values()
            meta = index["mappings"].get("_meta", {})
            return State(index["settings"]["index"]["uuid"], meta == about(self._language, self.others))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    async def refresh(self, name: str = "") -> None:
        """Make earlier writes to an index, by default the searched one, visible to searches."""
        await self._client.call("POST", f"/{name or self.names.alias}/_refresh", None, LONG)

    async def prepare(self) -> None:
        """Create an index if there is none. Several processes may do so at once; one index results."""
        await self._put_template()
        try:
            await self._create(self.names.index("first"), self.names.alias)
        except EngineError as error:
            if error.kind != "resource_already_exists_exception":
                raise

    async def begin(self, name: str) -> None:
        """Create the index that a rebuild fills, and delete the leftovers of an interrupted one."""
        await self._put_template()
        for left in await self.behind(self.names.building):
            await self._delete(f"/{left}")
        await self._create(name, self.names.building)

    async def building(self) -> bool:
        """Whether a rebuild is going on."""
        try:
            await self._client.call("HEAD", f"/_alias/{self.names.building}", None, PATIENCE)
        except EngineError as error:
            if error.status == 404:
                return False
            raise
        return True

    async def uuid(self, name: str) -> str:
        """The engine's own id for an index."""
        given = await self._client.call("GET", f"/{name}/_settings", None, PATIENCE)
        return str(given[name]["settings"]["index"]["uuid"])

    async def switch(self, name: str) -> None:
        """Have searches use this index: atomically, deleting the old ones in the same request."""
        old = await self.behind(self.names.alias)
        actions: list[dict[str, Any]] = [
            {"add": {"index": name, "alias": self.names.alias}},
            {"remove": {"index": name, "alias": self.names.building}},
            *({"remove_index": {"index": one}} for one in old),
        ]
        await self._client.call("POST", "/_aliases", {"actions": actions}, LONG)

    async def behind(self, alias: str) -> list[str]:
        """The names of the indices behind an alias."""
        try:
            return list(await self._client.call("GET", f"/_alias/{alias}", None, PATIENCE))
        except EngineError as error:
            if error.status == 404:
                return []
            raise

    async def remove(self) -> None:
        """Delete the indices and their template."""
        for name in [*await self.behind(self.names.alias), *await self.behind(self.names.building)]:
            await self._delete(f"/{name}")
        await self._delete(f"/_index_template/{self.names.alias}")

    async def _delete(self, path: str) -> None:
        try:
            await self._client.call("DELETE", path, None, PATIENCE)
        except EngineError as error:
            if error.status != 404:
                raise

    async def _put_template(self) -> None:
        made = template(self.names.index("*"), self._language, self.others)
        try:
            await self._client.call("PUT", f"/_index_template/{self.names.alias}", made, PATIENCE)
        except EngineError as error:
            if error.status == 400 and "analyzer" in error.detail.lower():
                cure = "set search_language to none, or install its analysis-common module"
                raise EngineError(f"it has no analyser for {self._language}: {cure} ({error.detail})", 400) from error
            raise

    async def _create(self, name: str, alias: str) -> None:
        await self._client.call("PUT", f"/{name}", {"aliases": {alias: {}}}, PATIENCE)
