"""Reading the settings again while the process runs: judged as at a start, and taken as far as they can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
from twisted.logger import Logger

from harvestd.settings.rows import ROWS
from harvestd.settings.sources import SettingError, load
from harvestd.settings.table import Settings

#: Settings that a running process takes; all others wait for a restart.
LIVE = ("log_level",)
log = Logger()


def reload(
    present: Settings, options: Mapping[str, str], environ: Mapping[str, str], take: Callable[[Settings], None]
) -> Settings:
    """Read them anew, hand what is in effect from now on to ``take``, and answer it. Logs what was taken and what waits for
    a restart; when any is wrong, says so and changes nothing."""
    try:
        found = load(options, environ).settings
    except SettingError as error:
        log.error("nothing is reloaded, since {why}", why=str(error))
        return present
    changed = [name for name in ROWS if getattr(found, name) != getattr(present, name)]
    taken = [name for name in changed if name in LIVE]
    waiting = [name for name in changed if name not in LIVE]
    effective = attrs.evolve(present, **{name: getattr(found, name) for name in taken})
    take(effective)
    words = f"settings reloaded: {', '.join(taken)} taken" if taken else "settings reloaded: nothing to take"
    if waiting:  # what the operator believes to have changed has not: to be read whatever the level is
        log.warn("{words}; changed, and waiting for a restart: {names}", words=words, names=", ".join(waiting))
    else:
        log.info("{words}", words=words)
    return effective
