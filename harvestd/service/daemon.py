"""The service that twistd runs: it starts the parts of a role when the reactor runs, and shuts them down gracefully."""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

import gc
import math
import os
import shutil
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, Logger, LogLevel
from twisted.python.components import Componentized

from harvestd import application
from harvestd.application import EXPECTED, Role
from harvestd.process import logs, reloading, slow_callbacks
from harvestd.process.notify import Supervisor
from harvestd.process.signals import exit_status, stop_on_signals
from harvestd.runtime.lifecycle import Lifecycle
from harvestd.runtime.patience import Patience
from harvestd.service.options import SettingOptions
from harvestd.service.welcome import welcome
from harvestd.settings.loading import secrets
from harvestd.settings.table import Settings
from harvestd.tables import TOPOLOGY

#: If less disk space than this, in bytes, is free, a failed start reports it too, whatever else the cause seems to be.
NO_SPACE = 2_000_000


class Daemon(Service):
    """One process of ``role``. Nothing is opened before the reactor runs."""

    log = Logger()

    def __init__(self, options: SettingOptions, role: Role) -> None:
        self._settings = options.loaded.settings
        self._options = options.given()
        self._observer: logs.LineObserver | None = None
        self._status = ""
        self._role = role
        self._lifecycle: Lifecycle | None = None
        self._started: Deferred[None] | None = None
        self._twistd: Any = options.parent or {}

    def setServiceParent(self, parent: Any) -> None:
        """Also install our log observer in twistd, whose application is ``parent``; its own ``--logger`` takes precedence."""
        if isinstance(parent, Componentized):
            settings, nodaemon = self._settings, bool(self._twistd.get("nodaemon", True))
            try:
                stream = logs.open_stream(self._twistd.get("logfile"), daemonised=not nodaemon)
            except OSError as error:
                raise SystemExit(
                    f"the log {error.filename} cannot be written: {error.strerror}; see --logfile"
                ) from None
            self._observer = logs.LineObserver(stream, settings.log_format, settings.log_level, secrets(settings))
            parent.setComponent(ILogObserver, self._observer)
            logs.bridge(settings.log_level)
        super().setServiceParent(parent)

    def startService(self) -> None:
        """Called by twistd just before the reactor runs."""
        from twisted.internet import reactor

        super().startService()
        _keep_all()
        exit_status.keep()
        self._supervisor = Supervisor(os.environ)
        self._reactor: Any = reactor
        self._reactor.callWhenRunning(self._run)

    def stopService(self) -> Deferred[None]:
        """Stop everything that was started; the reactor waits for it."""
        super().stopService()
        self._supervisor.stopping()
        return Deferred.fromCoroutine(self._stop())

    def _run(self) -> None:
        # SIGHUP from a closed terminal ends the process; from a supervisor it reloads the settings.
        stop_on_signals(self._reactor, hang_up=self._reload if self._supervisor.listens else None)
        self._supervisor.watch(self._reactor)
        if self._settings.debug_slow_callback:
            slow_callbacks.report(self._reactor, self._settings.debug_slow_callback)
        self._started = Deferred.fromCoroutine(self._start())

    async def _start(self) -> None:
        self._lifecycle = Lifecycle(self._reactor, self._settings.stop_deadline)
        patience = Patience(
            self._reactor, self._settings.database_start_deadline, self._supervisor.waiting, lambda: not self.running
        )
        try:
            parts = await application.start(self._lifecycle, self._settings, self._role, patience)
        except BaseException as error:
            self._failed(error)
            return
        lines = list(welcome(parts.settings, self._role))
        for line in lines:
            self.log.info("{log_text}", log_text=line)
        self._status = lines[0]
        self._supervisor.ready(self._status)
        _keep_all()

    def _reload(self) -> None:
        if self.running and self._status:  # during the start nothing can apply them yet
            self._supervisor.reloading()
            self._settings = reloading.reload(
                self._settings, self._options, os.environ, self._take, lambda: TOPOLOGY.queues
            )
            self._supervisor.ready(self._status)

    def _take(self, settings: Settings) -> None:
        """Apply the settings that :data:`~harvestd.process.reloading.LIVE` names."""
        if self._observer is not None:
            self._observer.level(settings.log_level)
            logs.bridge(settings.log_level)

    def _failed(self, error: BaseException) -> None:
        if not self.running:
            self.log.info("stopped while starting: {why}", why=repr(error))
            return
        exit_status.code = 1
        if isinstance(error, EXPECTED):
            self.log.error(
                "harvest-{role} does not start: {why}", role=self._role.name, why=" ".join(str(error).split())
            )
            self.log.failure("where that came from", level=LogLevel.debug)
            if (free := _free(self._settings.data_dir)) < NO_SPACE:
                self.log.error("the disk of {folder} has {free} bytes left", folder=self._settings.data_dir, free=free)
        else:
            self.log.failure("harvest-{role} does not start", role=self._role.name)
        self._reactor.stop()

    async def _stop(self) -> None:
        if self._started is not None:
            # a half-started part cannot be stopped, so wait for the start to finish, with a timeout
            await self._started.addTimeout(self._settings.stop_deadline, self._reactor)
        if self._lifecycle is not None:
            await self._lifecycle.stop()
        self.log.info("stopped")


def _free(folder: str) -> float:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return math.inf


def _keep_all() -> None:
    """Have the collector skip what there is: objects of the start live on. This halves the 99th percentile of response times; and without what was imported, which is
    nearly all, looking through the rest does not hold the reactor."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
