"""Detection of file descriptor exhaustion: at the limit every library fails with its own misleading message, such as a name that
cannot be resolved or a directory that cannot be written."""

from __future__ import annotations

import errno
import os

from harvestd.runtime.shortages import SHORTAGES

#: The limits of the process, and of the whole machine.
_SPENT = (errno.EMFILE, errno.ENFILE)


def spent_by(error: BaseException) -> bool:
    """Whether ``error`` reports descriptor exhaustion."""
    return isinstance(error, OSError) and error.errno in _SPENT


def spent() -> bool:
    """Whether no descriptor is available now."""
    try:
        os.close(os.dup(0))
    except OSError as error:
        return spent_by(error)
    return False


def cause_of(error: BaseException) -> str:
    """Why a connection or a file could not be opened, with the fix if descriptors are exhausted."""
    said = getattr(error, "strerror", None) or str(error) or repr(error)
    return f"{SHORTAGES['descriptors']} ({said})" if spent_by(error) or spent() else str(said)
