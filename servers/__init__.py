"""Private servers for tests: real ones, each on free ports of the loopback or a Unix socket, in a temporary folder.

Each is started once a run (once each pytest-xdist worker) by the first test that needs it, is quick to reset, and ends
for certain: with the process that started it, however that ends.
"""

from servers.postgres import PostgresServer
from servers.private import free_port, temporary_folder, wait_until
from servers.proxy import Proxy

__all__ = ["PostgresServer", "Proxy", "free_port", "temporary_folder", "wait_until"]
