"""Reloads the settings while the process runs: validated as at startup, and applied as far as possible."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import attrs
from twisted.logger import Logger

from harvestd.settings.faults import SettingError
from harvestd.settings.loading import load
from harvestd.settings.rows import ROWS
from harvestd.settings.table import Settings

#: Settings that a running process applies; all others wait for a restart.
LIVE = ("log_level",)
log = Logger()


def reload(
    present: Settings,
    options: Mapping[str, str],
    environ: Mapping[str, str],
    take: Callable[[Settings], None],
    queues: Callable[[], Collection[str]],
) -> Settings:
    """Reload them, pass those in effect from now on to ``take``, and return them. Logs which were applied and which
    wait for a restart; if any is invalid, logs that and changes nothing."""
    try:
        found = load(options, environ, queues=queues).settings
    except SettingError as error:
        log.error("nothing is reloaded, since {why}", why=str(error))
        return present
    changed = [name for name in ROWS if getattr(found, name) != getattr(present, name)]
    taken = [name for name in changed if name in LIVE]
    waiting = [name for name in changed if name not in LIVE]
    effective = attrs.evolve(present, **{name: getattr(found, name) for name in taken})
    take(effective)
    words = f"settings reloaded: {', '.join(taken)} taken" if taken else "settings reloaded: nothing to take"
    if waiting:  # the operator's change is not in effect: shown at every log level
        log.warn("{words}; changed, and waiting for a restart: {names}", words=words, names=", ".join(waiting))
    else:
        log.info("{words}", words=words)
    return effective
