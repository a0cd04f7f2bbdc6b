"""``harvestctl replay``: list, replay or discard dead letters."""

from __future__ import annotations

import re
from argparse import ArgumentParser

from harvestd.ctl.command import FINE, FOUND, Command, CommandContext, Misused
from harvestd.ctl.words import counted
from harvestd.parts import Parts
from harvestd.tables import TOPOLOGY

#: Dead letters of a queue fetched at once.
BATCH = 100
#: The form of ids, except on RabbitMQ, whose messages have the ids that their senders gave them.
NUMBER = re.compile("[0-9]+")


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "queue",
        nargs="?",
        metavar="QUEUE",
        help="such as orders; without it, the dead letters of all queues are listed",
    )
    parser.add_argument("id", nargs="*", metavar="ID", help="id of a dead letter, as listed")
    parser.add_argument("--all", action="store_true", help="all dead letters of the queue")
    parser.add_argument("--discard", action="store_true", help="delete them instead of putting them back")


async def _run(errand: CommandContext) -> int:
    arguments = errand.arguments
    queues = [_named(arguments.queue)] if arguments.queue else list(TOPOLOGY.queues)
    if arguments.all and (arguments.id or not arguments.queue):
        raise Misused("--all is for one queue, and instead of ids")
    if arguments.discard and not (arguments.id or arguments.all):
        raise Misused("--discard goes with the ids of dead letters, or with --all of a queue")
    strange = [] if errand.loaded.settings.rabbitmq_url else [id for id in arguments.id if not NUMBER.fullmatch(id)]
    if strange:
        raise Misused(
            f"{', '.join(strange)}: no id of a dead letter, which is a number; replay {arguments.queue} lists them"
        )
    parts = await errand.parts()
    if not arguments.id and not arguments.all:
        return await _list(errand, parts, queues)
    return await _settle(errand, parts, queues[0])


def _named(word: str) -> str:
    known = TOPOLOGY.queues
    name = word if word in known else f"harvest.{word}"
    if name not in known:
        raise Misused(
            f"there is no queue {word}; there are {', '.join(sorted(n.removeprefix('harvest.') for n in known))}"
        )
    return name


async def _list(errand: CommandContext, parts: Parts, queues: list[str]) -> int:
    found = 0
    for queue in queues:
        for letter in await parts.broker.dead(queue, BATCH):
            found += 1
            line = f"{queue} {letter.id}  {letter.died_at:%Y-%m-%d %H:%M:%S}  {letter.message.type}  {letter.attempts} {'try' if letter.attempts == 1 else 'tries'}"
            errand.out.print(f"{line}: {letter.cause}", markup=False)
    errand.out.print(counted(found, "dead letter") if found else "no dead letters", markup=False)
    return FOUND if found else FINE


async def _settle(errand: CommandContext, parts: Parts, queue: str) -> int:
    act = parts.broker.discard if errand.arguments.discard else parts.broker.replay
    word = "deleted" if errand.arguments.discard else "put back"
    done, missing = 0, list[str]()
    ids = list(errand.arguments.id)
    while ids or errand.arguments.all:
        if errand.arguments.all:
            ids = [letter.id for letter in await parts.broker.dead(queue, BATCH)]
        if not ids:
            break
        for id in ids:
            if await act(queue, id):
                done += 1
            else:
                missing.append(id)
        ids = []
    for id in missing:
        errand.err.print(f"harvestctl replay: {queue} has no dead letter {id}", markup=False)
    errand.out.print(f"{done} of {queue} {word}", markup=False)
    return FOUND if missing else FINE


COMMAND = Command(
    "A message that failed at every retry, or that nobody can handle, is kept as a dead letter with its cause. Fix the cause,\n"
    "then put the message back into its queue: a worker handles it as if it were new, and its effect happens once.\n"
    "Without ids and --all, dead letters are listed, and the exit code is 1 if there are any.",
    _arguments,
    _run,
)
