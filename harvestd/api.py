"""``twistd harvest-api``: the market's HTTP API, with all that it needs."""

from __future__ import annotations

import os

from twisted.application.service import IService

from harvestd.application import API, CHILD
from harvestd.service.daemon import Daemon
from harvestd.service.options import SettingOptions, flags, parameters
from harvestd.settings.rows import ROWS


class Options(SettingOptions):
    """All settings."""

    rows = ROWS
    optFlags, optParameters = flags(ROWS), parameters(ROWS)


def makeService(options: Options) -> IService:
    """The service; it opens nothing before the reactor runs. An environment variable tells a child API process that it is one."""
    return Daemon(options, CHILD if os.environ.get("HARVEST_CHILD") else API)
