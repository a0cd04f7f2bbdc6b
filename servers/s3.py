"""versitygw, an S3 server over a folder, for tests: of the Go module proxy, built into ``.tools/s3/``."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from servers.private import PrivateServer, absent

MODULE, VERSION = "github.com/versity/versitygw/cmd/versitygw", "v1.8.0"
#: The oldest Go that builds it.
GO = (1, 25)
INSTALLED = Path(__file__).parent.parent / ".tools" / "s3"
PROGRAM = INSTALLED / "versitygw"
KEY, SECRET, REGION, BUCKET = "harvestd", "a/secret+with:odd%characters", "test-region-1", "market"


def install() -> None:
    """Build it, unless it is there. Raises ``RuntimeError`` that says why that cannot be done."""
    stamp = INSTALLED / "installed.txt"
    if PROGRAM.exists() and stamp.exists() and stamp.read_text() == VERSION:
        return
    found = _go()
    if found is None or found < GO:
        raise RuntimeError(f"Go {'.'.join(map(str, GO))} or newer is missing")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    print("Building an S3 server into .tools/s3 (a few minutes) ...", file=sys.stderr, flush=True)
    env = {**os.environ, "GOBIN": str(INSTALLED), "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod -buildvcs=false"}
    command = ["go", "install", "-trimpath", "-ldflags=-s -w", f"{MODULE}@{VERSION}"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"go install failed: {done.stderr[-2000:]}")
    stamp.write_text(VERSION)


def _go() -> tuple[int, int] | None:
    if not shutil.which("go"):
        return None
    told = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True).stdout
    found = re.match(r"go(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else None


class S3Server(PrivateServer):
    """One account and one bucket. Its objects are files below ``objects``, what it knows of them is elsewhere. Buckets are addressed as
    ``market.localhost``, too."""

    name = "s3"
    patience = 20.0

    def __init__(self) -> None:
        super().__init__()
        if not PROGRAM.exists():
            absent("versitygw is not in .tools/s3: make install-servers")
        self.objects = self.folder / "buckets" / BUCKET
        self.objects.mkdir(parents=True)
        (self.folder / "meta").mkdir()

    def url(self, secret: str = "a%2Fsecret%2Bwith%3Aodd%25characters", prefix: str = "", port: int = 0) -> str:
        """As s3_url; ``port`` is a proxy's."""
        return f"http://{KEY}:{secret}@127.0.0.1:{port or self.port}/{BUCKET}" + (f"/{prefix}" if prefix else "")

    def empty(self) -> None:
        """Delete all objects, and what was begun."""
        for folder in (self.objects, self.folder / "meta"):
            for one in folder.iterdir():
                shutil.rmtree(one) if one.is_dir() else one.unlink()

    def command(self) -> list[str]:
        """Over a folder, with what it knows of the objects in another."""
        return [
            str(PROGRAM), "--port", f"127.0.0.1:{self.port}", "--access", KEY, "--secret", SECRET, "--region", REGION,
            "--keep-alive", "--quiet", "--virtual-domain", f"localhost:{self.port}", "--health", "/health", "posix",
            "--sidecar", str(self.folder / "meta"), str(self.folder / "buckets"),
        ]  # fmt: skip

    def answers(self) -> bool:
        """Its health."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        finally:
            connection.close()
