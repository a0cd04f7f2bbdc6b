"""The consumers and the periodic tasks of one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from harvestd.interfaces import ISubscription
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import Queue, Topology
from harvestd.parts import Parts
from harvestd.queue import work
from harvestd.queue.consumer import Consumer
from harvestd.queue.opened import Opened
from harvestd.queue.stand_in import StandIn
from harvestd.queue.work import Periodic, QueueHandlers
from harvestd.runtime.health import Condition
from harvestd.runtime.spawn import spawn
from harvestd.runtime.wakeup import Wakeup
from harvestd.store.leases import Lease
from harvestd.store.postgres.control import ControlConnection

#: The prefix of queue names; the setting ``queues`` may leave it out.
PREFIX = "harvest."
#: The NOTIFY channel that wakes the process running a periodic task; the payload is the task's name.
DUE = "harvest_due"
#: Least seconds from one woken run to the next: the first after a rest is at once, and under load what becomes due goes together. Of mails
#: a run each 50 ms took a third more CPU of a worker than one each second (``python -m benchmarks events``).
GATHER = 1.0


class Workers:
    """A consumer for each queue named (all, when none is), and every periodic task; with RabbitMQ, also the stand-in for it."""

    log = Logger()

    def __init__(
        self, parts: Parts, handlers: Mapping[str, QueueHandlers], periodic: Sequence[Periodic] = (),
        names: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self._parts = parts
        self._handlers = handlers
        self._queues = chosen(parts.topology, names)
        opened = Opened(parts.topology, parts.secret)
        consumers = {
            queue.name: Consumer(parts, queue.name, handlers[queue.name], opened)
            for queue in self._queues
            if queue.name in handlers
        }
        self._consumers = consumers
        if parts.settings.rabbitmq_url and consumers:
            who = "all" if len(consumers) == len(parts.topology.queues) else ",".join(consumers)
            periodic = (*periodic, Periodic(f"stand-in:{who}", 1.0, StandIn(consumers).run))
        self._turns = [PeriodicTask(parts, task) for task in periodic]
        self.subscriptions: dict[str, ISubscription] = {}
        self._unlisten: Callable[[], None] | None = None

    async def start(self) -> None:
        """Start consuming. Raises ``ValueError`` for a queue without handlers."""
        for queue in self._queues:
            if queue.name not in self._handlers:
                raise ValueError(f"queue {queue.name} has no row in tables.py")
        for queue in self._queues:
            receive = self._consumers[queue.name].receive
            self.subscriptions[queue.name] = await self._parts.broker.consume(queue.name, queue.prefetch, receive)
        self._unlisten = self._parts.control.notifications.listen(
            DUE, self._wake, lambda: None
        )  # polling finds what was missed
        for turn in self._turns:
            turn.start()

    def _wake(self, task: str) -> None:
        for turn in self._turns:
            turn.wake(task)

    async def condition(self) -> Condition:
        """For readiness: whether this process consumes every queue that it is to."""
        idle = [name for name, one in self.subscriptions.items() if not one.consuming]
        return Condition("degraded", f"not consuming: {', '.join(idle)}") if idle else Condition("ok")

    async def stop(self) -> None:
        """Finish the messages in flight and return the rest to the queues, concurrently."""
        if self._unlisten is not None:
            self._unlisten()
        stops = [turn.stop() for turn in self._turns] + [one.stop() for one in self.subscriptions.values()]
        for stopping in [Deferred.fromCoroutine(stop) for stop in stops]:
            await stopping


class PeriodicTask:
    """One periodic task of this process: it runs while the process has the task's lease, which it keeps until it stops,
    dies or hangs, so that another process then takes over. A task calls ``going_on`` between its steps, and writes
    nothing that conflicts with another's work: a process that freezes midway and wakes up finds rows that are settled,
    or another's."""

    log = Logger()

    def __init__(self, parts: Parts, task: Periodic) -> None:
        self._parts = parts
        self._task = task
        self._lease = Lease(
            parts.reactor, parts.database, parts.control, f"periodic:{task.name}", parts.settings.work_lease
        )
        self._due = Wakeup(parts.reactor)
        self._halt = Wakeup(parts.reactor)
        self._running: Deferred[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Start waiting for its turns."""
        self._running = spawn(f"the periodic task {self._task.name}", self._run())

    def wake(self, task: str) -> None:
        """Run soon, if ``task`` is this one and this process runs it."""
        if task == self._task.name and self._lease.mine:
            self._due.ring()

    async def stop(self) -> None:
        """Finish the run in progress."""
        self._stopping = True
        self._due.ring()
        self._halt.ring()
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        while not self._stopping:
            began = self._parts.reactor.seconds()
            try:
                if not self._left_to_the_clock() and await self._going_on():
                    await self._task.run(self._parts, self._going_on)
            except Unavailable as error:
                self.log.info("{task} waits: {why}", task=self._task.name, why=str(error))
            except Exception:
                self.log.failure("{task} failed and will be retried", task=self._task.name)
            if await self._due.wait(self._task.every):
                rest = began + GATHER - self._parts.reactor.seconds()
                if rest > 0:
                    await self._halt.wait(rest)
        await self._lease.give_back()

    def _left_to_the_clock(self) -> bool:
        """Whether somebody moves the market's clock, and does what is due on the way."""
        return isinstance(self._task, work.Due) and self._parts.clock is not None and bool(self._parts.clock.moving)

    async def _going_on(self) -> bool:
        return not self._stopping and await self._lease.held()


class Due:
    """Tells the process that does a periodic task, wherever it runs, that there is something to do. Calls within :data:`GATHER` / 4 of the
    last one tell nothing: their work is found by the run that follows, or at the task's next turn. A notification may be lost, too."""

    def __init__(self, reactor: Any, control: ControlConnection) -> None:
        self._reactor = reactor
        self._control = control
        self._again: dict[str, float] = {}

    def __call__(self, task: str) -> None:
        now = self._reactor.seconds()
        if now >= self._again.get(task, 0.0):
            self._again[task] = now + GATHER / 4
            spawn("telling of what is due", self._control.notifications.notify(DUE, task))


def chosen(topology: Topology, names: Sequence[str]) -> tuple[Queue, ...]:
    """The queues named, with or without their prefix, in the topology's order; all when none is named.

    Raises ``ValueError`` naming what is unknown.
    """
    wanted = {name if name.startswith(PREFIX) else PREFIX + name for name in names}
    known = topology.queues
    if wanted - known.keys():
        raise ValueError(
            f"queues: no queue {', '.join(sorted(wanted - known.keys()))}; there are {', '.join(sorted(known))}"
        )
    return tuple(queue for queue in known.values() if not wanted or queue.name in wanted)
