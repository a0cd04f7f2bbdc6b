"""What the fault runs share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.region import Accelerators


@pytest.fixture(scope="session")
def accelerator_servers() -> Iterator[Accelerators]:
    """Started by the first test that needs them; those are of the xdist group ``region``, so only once."""
    servers = Accelerators()
    try:
        servers.start()
        yield servers
    finally:
        servers.remove()


@pytest.fixture
def accelerators(accelerator_servers: Accelerators) -> Iterator[Accelerators]:
    """All of them up, whatever the test before did to them."""
    accelerator_servers.mend()
    yield accelerator_servers
    accelerator_servers.mend()
