"""Where the embedded database is: the folder of its data, the account that it runs under, and the folder of its socket."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from harvestd.store.embedded import binaries
from harvestd.store.embedded.cluster import Cluster, EmbeddedError

#: Where root keeps data that an unprivileged account must reach: outside an installed market's folder, which is deleted with it.
ELSEWHERE = Path("/var/lib/harvestd-embedded")
#: Longest path of a socket's folder: of the 108 bytes (104 on macOS) of a socket address, the file name takes the rest.
MAX_SOCKETS = 85


def placed(data_dir: Path) -> Cluster:
    """The database of a data folder: in it or, where the database's account cannot reach that, where a link in it leads."""
    link = data_dir / "postgres"
    if link.is_symlink():
        folder = link.resolve()
        if not folder.parent.exists():
            raise EmbeddedError(f"{link} leads to {folder}, which is gone: mount it, or delete the link to begin anew")
        return Cluster(folder, binaries.account(_owner(folder)))
    account = binaries.account(_owner(link))
    if binaries.reaches(data_dir, account):
        return Cluster(link, account)
    if link.exists():
        raise EmbeddedError(
            f"the database runs as {account.name}, which cannot enter {data_dir}: "
            "give the folders above it the mode o+x, or set data_dir to another folder"
        )
    name = hashlib.sha256(bytes(data_dir)).hexdigest()[:16]
    elsewhere = ELSEWHERE / name
    binaries.open_folder(elsewhere, 0o711)
    link.symlink_to(elsewhere / "postgres")
    return Cluster(elsewhere / "postgres", account)


def socket_folder(cluster: Cluster) -> Path:
    """The database's own folder, or if its path is too long for a socket, a private one with a short path."""
    if len(bytes(cluster.folder)) <= MAX_SOCKETS:
        return cluster.folder
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if cluster.account.drop or not base or not os.path.isdir(base) or len(base) > MAX_SOCKETS - 30:
        base = "/tmp"
    folder = Path(base) / f"harvestd-{hashlib.sha256(bytes(cluster.folder)).hexdigest()[:16]}"
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    status = folder.lstat()
    if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and cluster.account.drop:
        os.chown(folder, cluster.account.uid, cluster.account.gid)
        status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != cluster.account.uid or stat.S_IMODE(status.st_mode) & 0o077:
        raise EmbeddedError(
            f"{folder}, where the socket would be, was made by somebody else: delete it, or set data_dir to a shorter path"
        )
    return folder


def _owner(folder: Path) -> int | None:
    try:
        return folder.stat().st_uid
    except FileNotFoundError:
        return None
