"""``harvestctl doctor``: check everything that the market depends on, and suggest cures."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator

from harvestd.ctl.accelerators import elasticsearch, redis
from harvestd.ctl.brokers import rabbitmq
from harvestd.ctl.buckets import s3
from harvestd.ctl.check_result import CheckResult, examined, looked_at
from harvestd.ctl.command import FINE, FOUND, Command, CommandContext
from harvestd.ctl.doctor_database import database, replica
from harvestd.ctl.doctor_folders import blobs, data_folder
from harvestd.ctl.doctor_market import market
from harvestd.ctl.issuers import issuer
from harvestd.ctl.post import mail
from harvestd.settings.table import Settings


def _arguments(parser: ArgumentParser) -> None:
    """Takes no arguments."""


async def _run(errand: CommandContext) -> int:
    settings, reactor = errand.loaded.settings, errand.reactor
    begun = [
        examined(reactor, "data folder", lambda: data_folder(settings)),
        examined(reactor, "blobs", lambda: blobs(settings)),
        looked_at(reactor, "S3", lambda: s3(reactor, settings)),
        looked_at(reactor, "Redis", lambda: redis(reactor, settings)),
        looked_at(reactor, "RabbitMQ", lambda: rabbitmq(reactor, settings)),
        looked_at(reactor, "Elasticsearch", lambda: elasticsearch(reactor, settings)),
        looked_at(reactor, "mail", lambda: mail(reactor, settings)),
        looked_at(reactor, "issuer", lambda: issuer(reactor, settings)),
    ]
    of_database = await _database(errand)
    folder, *others = [await one for one in begun]
    findings = [*folder, *of_database, *(finding for found in others for finding in found)]
    for finding in findings:
        mark = "[green]ok[/green]     " if finding.fine else "[red]trouble[/red]"
        errand.out.print(f"{mark}  {finding.subject}: ", end="")
        errand.out.print(finding.words, markup=False)
        if not finding.fine and finding.cure:
            errand.out.print(f"         -> {finding.cure}", markup=False)
    trouble = sum(not finding.fine for finding in findings)
    errand.out.print("all is well" if not trouble else f"{trouble} of {len(findings)} need attention")
    return FOUND if trouble else FINE


async def _database(errand: CommandContext) -> list[CheckResult]:
    settings = errand.loaded.settings
    try:
        url = settings.database_url or await errand.database()
    except Exception as error:
        return [CheckResult("database", False, str(error) or repr(error), "")]
    return await examined(errand.reactor, "database", lambda: _of_database(settings, url))


def _of_database(settings: Settings, url: str) -> Iterator[CheckResult]:
    usable = yield from database(settings, url)
    for number, address in enumerate(settings.replica_urls, 1):
        yield from replica(settings, number, address)
    if usable:
        yield from market(url)


COMMAND = Command(
    "Tests the data folder, the folder of blobs, the database with its version, encoding, privileges and schema, replicas, queues, the\n"
    "outbox, mail and search, and S3, Redis, RabbitMQ, Elasticsearch and the issuer of sign-ins if they are configured, by doing what the\n"
    "daemon does. Prints versions and\n"
    "latencies, what is well and what is not, with the cure. Each test is independent and has a timeout. It changes nothing\n"
    "except for probes that it removes again, or that nobody receives.",
    _arguments,
    _run,
)
