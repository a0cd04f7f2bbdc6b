"""How to connect to PostgreSQL: its address, and the timeouts on both sides."""

from __future__ import annotations

from typing import Any

import attrs
from psycopg2.extensions import parse_dsn


@attrs.frozen
class ConnectionSettings:
    """``dsn`` is a libpq URL or string, whose own keywords take precedence; times in seconds. ``grace`` is how much
    longer than ``statement_timeout`` a silent server is waited for."""

    dsn: str = attrs.field(repr=False)
    connect_timeout: float = 5.0
    statement_timeout: float = 5.0
    lock_timeout: float = 2.0
    heavy_timeout: float = 2.0
    heavy_share: float = 0.5
    idle_in_transaction_timeout: float = 5.0
    grace: float = 2.0
    application_name: str = "harvestd"

    def keywords(self) -> dict[str, Any]:
        """The libpq keywords: server-side timeouts, and TCP keepalives that detect a vanished peer."""
        given = parse_dsn(self.dsn)
        limits = {
            "statement_timeout": self.statement_timeout,
            "lock_timeout": self.lock_timeout,
            "idle_in_transaction_session_timeout": self.idle_in_transaction_timeout,
        }
        switches = [f"-c {name}={int(seconds * 1000)}" for name, seconds in limits.items()]
        switches += ["-c timezone=UTC", given.pop("options", "")]
        ours = {
            "application_name": self.application_name,
            "client_encoding": "utf8",
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": int(1000 * (self.statement_timeout + 10)),
        }
        return {**ours, **given, "options": " ".join(switches).strip()}
