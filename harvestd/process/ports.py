"""The API's port, claimed before anything else is started: a port in use is found out while nothing has to be undone, and
where a free one is asked for its number is known."""

from __future__ import annotations

import socket

import attrs

from harvestd.settings import Settings
from harvestd.web.listening import cannot_listen


@attrs.frozen(eq=False)
class Claim:
    """A bound socket that does not listen: nobody else gets the port meanwhile, and clients are refused."""

    socket: socket.socket

    @property
    def number(self) -> int:
        """The port's."""
        return int(self.socket.getsockname()[1])

    def drop(self) -> None:
        """Give it up, to whoever listens next."""
        self.socket.close()


def claim(settings: Settings, first: bool) -> Claim:
    """Bind the port of the settings. Raises what the server would when it listens.

    When several processes will share it, by SO_REUSEPORT, the ``first`` makes sure that no stranger has it: that option by
    itself lets a second market of the same account join in without a word.
    """
    host, port = settings.http_host, settings.http_port
    if not first:
        return _bound(host, port, shared=True)
    alone = _bound(host, port, shared=False)
    if settings.processes == 1:
        return alone
    number = alone.number
    alone.drop()
    return _bound(host, number, shared=True)


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
