"""The API's port, claimed before anything else is started: a port in use is found out while nothing has to be undone, and
where a free one is asked for its number is known."""

from __future__ import annotations

import socket

import attrs

from harvestd.web.server import cannot_listen


@attrs.frozen(eq=False)
class Claim:
    """A bound socket that does not listen. The server that listens on the same port needs SO_REUSEADDR, as all have; then
    the claim has done its work and is dropped."""

    socket: socket.socket

    @property
    def port(self) -> int:
        """Its number."""
        return int(self.socket.getsockname()[1])

    def drop(self) -> None:
        """Give it up."""
        self.socket.close()


def claim(host: str, port: int, shared: bool) -> Claim:
    """Bind; ``shared`` if several processes will listen, by SO_REUSEPORT. Raises what the server would when it listens.

    Whoever shares a port first makes sure that no stranger has it: SO_REUSEPORT by itself lets a second market of the same
    account join in without a word.
    """
    if shared and port:
        _bound(host, port, False).drop()
    return _bound(host, port, shared)


def _bound(host: str, port: int, shared: bool) -> Claim:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise cannot_listen(error, host, port) from error
    return Claim(bound)
