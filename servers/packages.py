"""Debian's packages, by apt, as root or with a sudo that asks nothing. What they bring is never started as a service."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

#: A program, or a file (with wildcards), that shows that a package is there; and the package.
Package = tuple[str, str]
#: A file that keeps packages' services from being started when they are installed (Debian policy, invoke-rc.d).
POLICY = Path("/usr/sbin/policy-rc.d")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def missing(packages: Sequence[Package]) -> list[str]:
    """The names of those that are not there."""
    return [
        package
        for shown, package in packages
        if not (glob.glob(shown) if shown.startswith("/") else shutil.which(shown, path=PATH))
    ]


def provided(packages: Sequence[Package], why: str) -> bool:
    """Install those that are not there; False, and a line that names them, where that cannot be done here."""
    wanted = missing(packages)
    if not wanted:
        return True
    print(f"Installing {', '.join(wanted)} for {why} ...", file=sys.stderr, flush=True)
    if install(wanted):
        return True
    print(f"These are missing: apt install {' '.join(missing(packages))}", file=sys.stderr)
    return False


def install(names: list[str]) -> bool:
    """By apt; False where that cannot be done here."""
    if not shutil.which("apt-get"):
        return False
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if root and subprocess.run([*root, "true"], capture_output=True).returncode:
        return False
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "--no-install-recommends"]
    with _nothing_started(root):
        done = subprocess.run([*apt, "install", *names], stdout=subprocess.DEVNULL)
        if done.returncode:  # the lists of packages may be old, or not there at all
            subprocess.run([*apt, "update"], stdout=subprocess.DEVNULL)
            done = subprocess.run([*apt, "install", *names], stdout=subprocess.DEVNULL)
    return done.returncode == 0


@contextmanager
def _nothing_started(root: list[str]) -> Iterator[None]:
    if POLICY.exists():
        yield
        return
    subprocess.run([*root, "sh", "-c", f"printf '#!/bin/sh\\nexit 101\\n' >{POLICY} && chmod +x {POLICY}"], check=True)
    try:
        yield
    finally:
        subprocess.run([*root, "rm", "-f", str(POLICY)], check=True)
