"""``twistd harvest-worker``: the consumers of the queues, without the web."""

from __future__ import annotations

from twisted.application.service import IService

from harvestd.application import WORKER
from harvestd.process.daemon import Daemon
from harvestd.process.options import SettingOptions


class Options(SettingOptions):
    """Every setting."""


def makeService(options: Options) -> IService:
    """The service; it opens nothing before the reactor runs."""
    return Daemon(options, WORKER)
