"""Installs the real servers that the tests use, where they are missing: ``python -m tests.servers.install``.

Debian's packages by apt, as root or with a sudo that asks nothing; the search engines by Maven. Nothing is started, and
what cannot be installed is named: its tests are skipped then, and fail with ``CI=true``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: A program or file that shows that a package is there, and the package.
PACKAGES = (
    ("redis-server", "redis-server"),
    ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server"),
    ("nginx", "nginx"),
    ("/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so", "libnginx-mod-http-brotli-filter"),
    ("systemd-analyze", "systemd"),
    ("curl", "curl"),
    ("openssl", "openssl"),
    ("java", "openjdk-17-jre-headless"),
    ("mvn", "maven"),
)
#: A file that keeps packages' services from being started when they are installed (Debian policy, invoke-rc.d).
POLICY = Path("/usr/sbin/policy-rc.d")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def missing() -> list[str]:
    """The packages that are not there."""
    return [
        package
        for shown, package in PACKAGES
        if not (Path(shown).exists() if shown.startswith("/") else shutil.which(shown, path=PATH))
    ]


def install(packages: list[str]) -> bool:
    """By apt; False where that cannot be done here."""
    if not shutil.which("apt-get"):
        return False
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if root and subprocess.run([*root, "true"], capture_output=True).returncode:
        return False
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "--no-install-recommends"]
    with _nothing_started(root):
        done = subprocess.run([*apt, "install", *packages], stdout=subprocess.DEVNULL)
        if done.returncode:  # the lists of packages may be old, or not there at all
            subprocess.run([*apt, "update"], stdout=subprocess.DEVNULL)
            done = subprocess.run([*apt, "install", *packages], stdout=subprocess.DEVNULL)
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


def main() -> int:
    """Answers an exit code: a failure only where tests would fail for it."""
    strict = os.environ.get("CI") == "true"
    wanted = missing()
    if wanted:
        print(f"Installing {', '.join(wanted)} for the tests ...", file=sys.stderr, flush=True)
        if not install(wanted):
            print(f"These are missing: apt install {' '.join(missing())}", file=sys.stderr)
            if strict:
                return 1
    from tests.servers import elasticsearch

    try:
        elasticsearch.install()
    except Exception as error:
        print(f"The search engines are missing: {error}", file=sys.stderr)
        return 1 if strict else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
