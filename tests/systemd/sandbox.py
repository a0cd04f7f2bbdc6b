"""A launcher: takes what a unit's SystemCallFilter= and MemoryDenyWriteExecute= would take, then becomes a program.

``python -m tests.systemd.sandbox UNIT PROGRAM ...``. With libseccomp and Linux's own memory protection (6.3 and newer), since
systemd itself is not to be had in a test: the same system calls, named by systemd-analyze, with the same answer (EPERM).
"""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path

PR_SET_NO_NEW_PRIVS, PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 38, 65, 1
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def directives(unit: Path, name: str) -> list[str]:
    """The values of a directive, in order."""
    lines = unit.read_text().splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]


def allowed(unit: Path) -> set[str]:
    """The system calls that SystemCallFilter= leaves."""
    left: set[str] = set()
    for value in directives(unit, "SystemCallFilter"):
        names = {call for word in value.removeprefix("~").split() for call in expanded(word)}
        left = left - names if value.startswith("~") else left | names
    return left


def expanded(word: str) -> set[str]:
    """Of a group, all that it has; of a name, itself."""
    if not word.startswith("@"):
        return {word}
    told = subprocess.run(
        ["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True
    ).stdout
    words = [line.strip() for line in told.splitlines()[1:]]
    return {call for word in words if word and not word.startswith("#") for call in expanded(word)}


def enter(calls: set[str]) -> None:
    """Leave this process those calls alone, and no memory that is first written and then run."""
    libc, seccomp = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    seccomp.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    seccomp.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    seccomp.seccomp_load.argtypes = [ctypes.c_void_p]
    context = seccomp.seccomp_init(ERRNO | errno.EPERM)
    for call in sorted(calls):
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:  # others are of other machines
            assert seccomp.seccomp_rule_add(context, ALLOW, number, 0) == 0, call
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    if libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this kernel has no PR_SET_MDWE (Linux 6.3)")
    assert seccomp.seccomp_load(context) == 0


if __name__ == "__main__":
    enter(allowed(Path(sys.argv[1])))
    os.execv(sys.argv[2], sys.argv[2:])
