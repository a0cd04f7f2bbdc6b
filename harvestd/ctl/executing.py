"""Runs one command of harvestctl on the reactor, and makes an exit code of its end."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from rich.console import Console
from twisted.internet.defer import Deferred

from harvestd.ctl import INTERRUPTED
from harvestd.ctl.command import FOUND, MISUSED, Command, CommandContext, Failed, Interrupted, Misused
from harvestd.unread import NOBODY_READS


def execute(errand: CommandContext) -> int:
    """Run the command until it ends or is interrupted; returns the exit code."""
    from twisted.internet import reactor

    errand.reactor = reactor
    codes: list[int] = []
    finished: Deferred[None] = Deferred()

    async def whole() -> int:
        try:
            command: Command = errand.arguments.command
            return await command.run(errand)
        finally:
            await errand.close()

    def ended(result: Any) -> None:
        try:
            codes.append(result if isinstance(result, int) else _failed(errand, result))
        except BrokenPipeError:
            codes.append(NOBODY_READS)
        finished.callback(None)
        if not errand.interrupted:
            errand.reactor.stop()

    def interrupt() -> Deferred[None] | None:
        """Before the reactor stops: if we did not stop it, interrupt the command and wait for it."""
        if codes:
            return None
        errand.interrupted = True
        with suppress(BrokenPipeError):
            errand.err.print(f"harvestctl {errand.arguments.command_name}: stopping", markup=False)
        return finished

    errand.reactor.addSystemEventTrigger("before", "shutdown", interrupt)
    errand.reactor.callWhenRunning(lambda: Deferred.fromCoroutine(whole()).addBoth(ended))
    errand.reactor.run()
    return codes[0]


def _failed(errand: CommandContext, failure: Any) -> int:
    from harvestd.application import EXPECTED

    name = errand.arguments.command_name
    if failure.check(Interrupted):
        return INTERRUPTED
    if failure.check(BrokenPipeError):
        return NOBODY_READS
    if failure.check(Misused):
        complain(errand.err, name, failure.getErrorMessage())
        return MISUSED
    if failure.check(Failed, *EXPECTED):
        return complain(errand.err, name, failure.getErrorMessage())
    errand.err.print(failure.getTraceback(), markup=False)
    return complain(errand.err, name, f"this is a fault of harvestd: {failure.getErrorMessage()}")


def complain(err: Console, command: str, why: str) -> int:
    """Say why a command failed; returns the exit code of a failure."""
    err.print(f"harvestctl {command}: {why}", markup=False)
    return FOUND
