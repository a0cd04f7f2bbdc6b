"""``twistd harvest-worker``: the consumers of the queues, without the web."""

from __future__ import annotations

from twisted.application.service import IService

from harvestd.application import WORKER
from harvestd.service.daemon import Daemon
from harvestd.service.options import SettingOptions, flags, parameters
from harvestd.settings.rows import ROWS

OURS = {name: row for name, row in ROWS.items() if not row.api}


class Options(SettingOptions):
    """The settings that affect a worker. A file shared with the API may have the others, too."""

    rows = OURS
    optFlags, optParameters = flags(OURS), parameters(OURS)


def makeService(options: Options) -> IService:
    """The service; it opens nothing before the reactor runs."""
    return Daemon(options, WORKER)
