"""Named places where a test makes the process die, fail, wait or hang. They do nothing unless armed.

Armed only when ``HARVEST_TESTING=1`` is in the environment and the setting ``fail_points`` names them::

    order.before_commit=kill           SIGKILL to this process at the first hit
    relay.after_publish=kill@3         at the third
    consumer.before_transaction=error  raise FailPointHit, every time
    mail.after_send=sleep:0.5          wait half a second, every time
    transaction.before_commit=hang@1   never continue, at the first hit
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from typing import Any

import attrs
from twisted.internet.defer import Deferred

#: Every fail point, and its place in the code.
POINTS = {
    "transaction.before_commit": "any transaction: its work is done, COMMIT is not sent",
    "transaction.after_commit": "any transaction: committed, its caller does not know yet",
    "order.before_commit": "an order: everything is decided, its last statements wait, nothing is committed",
    "order.before_step": "a step of an order is decided on its locked rows, nothing of it is written",
    "order.before_change": "a change of an order's lines is decided on its locked rows, nothing of it is written",
    "write.before_answer": "a request that changed something: committed, the answer is ready, no byte of it sent",
    "relay.after_publish": "outbox relay: the broker confirmed, the rows are not marked",
    "relay.after_mark": "outbox relay: the rows are marked",
    "consumer.before_transaction": "a batch was received, its transaction not begun",
    "consumer.before_commit": "a batch is handled, not committed",
    "consumer.after_commit": "a batch is committed, not acknowledged",
    "operation.before_kept": "a step of an operation is done, its progress not written, nothing committed",
    "retention.before_commit": "a batch of orders has lost what it had of people, nothing committed",
    "mail.before_send": "a mail was chosen, not handed over",
    "mail.after_send": "a mail was handed over, not marked as sent",
    "mail.before_mark": "several mails were handed over, and are about to be marked",
}


class FailPointHit(Exception):
    """An armed fail point with the action ``error``."""


@attrs.define
class _Action:
    what: str
    seconds: float = 0.0
    at: int = 0  # which hit; 0 is every one
    hits: int = 0

    def due(self) -> bool:
        self.hits += 1
        return self.at in (0, self.hits)


_armed: dict[str, _Action] = {}


def arm(fail_points: str, environment: Mapping[str, str] = os.environ) -> None:
    """Arm the fail points that the setting names, and no others. Raises ``ValueError`` if one cannot be armed."""
    _armed.clear()
    if not fail_points.strip():
        return
    if environment.get("HARVEST_TESTING") != "1":
        raise ValueError("fail_points is for tests, with HARVEST_TESTING=1 in the environment: leave the setting out")
    _armed.update(_parse(part.strip()) for part in fail_points.split(",") if part.strip())


def disarm() -> None:
    """Disarm all."""
    _armed.clear()


async def failpoint(name: str) -> None:
    """A fail point in a coroutine."""
    if not _armed:
        return
    action = _due(name)
    if action is None:
        return
    if action.what == "sleep":
        from twisted.internet import reactor

        waiting: Deferred[None] = Deferred(lambda _: call.cancel())
        call = reactor.callLater(action.seconds, waiting.callback, None)
        await waiting
    elif action.what == "hang":
        await Deferred()
    else:
        _strike(name, action)


def failpoint_here(name: str) -> None:
    """A fail point in a plain function; ``sleep`` and ``hang`` block the whole thread."""
    if not _armed:
        return
    action = _due(name)
    if action is None:
        return
    if action.what == "sleep":
        time.sleep(action.seconds)
    elif action.what == "hang":
        while True:
            time.sleep(3600)
    else:
        _strike(name, action)


def _due(name: str) -> _Action | None:
    if name not in POINTS:
        raise ValueError(f"{name} is no fail point: enter it in harvestd.runtime.failpoints.POINTS")
    action = _armed.get(name)
    return action if action is not None and action.due() else None


def _strike(name: str, action: _Action) -> None:
    if action.what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise FailPointHit(name)


def _parse(part: str) -> tuple[str, _Action]:
    name, _, rest = part.partition("=")
    if name not in POINTS:
        raise ValueError(f"fail_points: there is no fail point {name!r}; there are {', '.join(sorted(POINTS))}")
    what, _, at = rest.partition("@")
    what, _, seconds = what.partition(":")
    try:
        action = _Action(what, float(seconds or 0), int(at or 0))
    except ValueError:
        action = _Action("")
    if action.what not in ("kill", "error", "sleep", "hang") or (what == "sleep") != bool(seconds) or action.at < 0:
        raise ValueError(
            f"fail_points: {part!r} must be {name}=kill, =error, =hang or =sleep:SECONDS, with @N or without"
        )
    return name, action


def armed() -> dict[str, Any]:
    """The armed fail points with their hit counts, for tests."""
    return {name: action.hits for name, action in _armed.items()}
