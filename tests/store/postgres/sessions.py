"""Whoever listens on a control connection, and what ends one."""

from __future__ import annotations

from harvestd.store.postgres.control import ControlConnection
from servers import PostgresServer
from tests.contracts.topics import Ear

KEY = 4711


async def hearing(session: ControlConnection, channel: str = "news") -> Ear:
    ear = Ear()
    session.notifications.listen(channel, ear.receive, ear.gap)
    await ear.ready()
    return ear


def end_sessions(server: PostgresServer) -> None:
    server.query(
        "postgres", "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%-session'"
    )
