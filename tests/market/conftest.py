"""Subjects on a real database: the whole route table, workers that are fed with what the routes recorded, and servers to break."""

from tests.queue.conftest import processes, rabbit  # noqa: F401
from tests.store.conftest import breakable, connected, module_server, own, proxy  # noqa: F401
from tests.web.conftest import (  # noqa: F401
    _addresses_are_compiled_once,
    client,
    market,
    parts,
    store_client,
    web_settings,
)
