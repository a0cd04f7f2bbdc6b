"""At the limit of descriptors everything fails, each library in words of its own: a name that cannot be resolved, a folder that
cannot be written. Here it is said what it is."""

from __future__ import annotations

import errno
import os

from harvestd.runtime.shortages import SHORTAGES

#: Of the process, and of the whole machine.
_SPENT = (errno.EMFILE, errno.ENFILE)


def spent_by(error: BaseException) -> bool:
    """Whether ``error`` says so."""
    return isinstance(error, OSError) and error.errno in _SPENT


def spent() -> bool:
    """Whether no further descriptor is to be had now."""
    try:
        os.close(os.dup(0))
    except OSError as error:
        return spent_by(error)
    return False


def cause_of(error: BaseException) -> str:
    """Why a connection or a file could not be opened, with the cure where the descriptors are spent."""
    said = getattr(error, "strerror", None) or str(error) or repr(error)
    return f"{SHORTAGES['descriptors']} ({said})" if spent_by(error) or spent() else str(said)
