"""``harvestctl doctor``: tries everything that the market depends on, and says what to do."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from twisted.internet.threads import deferToThread

from harvestd.ctl.accelerators import elasticsearch, rabbitmq, redis
from harvestd.ctl.command import FINE, FOUND, Command, Errand
from harvestd.ctl.examinations import Finding, data_folder, database, mail, market, replica
from harvestd.settings import Settings


def _arguments(parser: ArgumentParser) -> None:
    """None."""


async def _run(errand: Errand) -> int:
    settings = errand.loaded.settings
    findings: list[Finding] = list(data_folder(settings))
    try:
        url = await errand.database()
    except Exception as error:
        findings.append(Finding("database", False, str(error) or repr(error), ""))
    else:
        findings += await deferToThread(lambda: list(_of_database(settings, url)))
    findings += await redis(errand.reactor, settings)
    for look in (rabbitmq, elasticsearch, mail):
        findings += await deferToThread(lambda look=look: list(look(settings)))  # type: ignore[misc]
    for finding in findings:
        mark = "[green]ok[/green]     " if finding.fine else "[red]trouble[/red]"
        errand.out.print(f"{mark}  {finding.subject}: ", end="")
        errand.out.print(finding.words, markup=False)
        if not finding.fine and finding.cure:
            errand.out.print(f"         -> {finding.cure}", markup=False)
    trouble = sum(not finding.fine for finding in findings)
    errand.out.print("all is well" if not trouble else f"{trouble} of {len(findings)} need attention")
    return FOUND if trouble else FINE


def _of_database(settings: Settings, url: str) -> Iterator[Finding]:
    usable: Any = yield from database(settings, url)
    for number, address in enumerate(settings.replica_urls, 1):
        yield from replica(settings, number, address)
    if usable:
        yield from market(url)


COMMAND = Command(
    "doctor",
    "try everything that the market depends on, and say what to do",
    "Tries the data folder, the database and its schema, replicas, queues, the outbox, mail and search, and Redis, RabbitMQ and\n"
    "Elasticsearch where they are configured. Prints versions and latencies, what is well and what is not, with the cure. It\n"
    "changes nothing but for probes that it removes again, or that nobody receives.",
    _arguments,
    _run,
)
