"""The contract of ITopics. A suite subclasses :class:`TopicsContract` and gives a ``topics`` fixture: an async function
that makes one more started implementation, as another process would have it, all of them on one server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from zope.interface.verify import verifyObject

from harvestd.interfaces import ITopics
from tests.waiting import eventually

Make = Callable[[], Awaitable[Any]]


class Ear:
    """A subscriber that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.gaps = 0

    def receive(self, payload: str) -> None:
        self.heard.append(payload)

    def gap(self) -> None:
        self.gaps += 1

    async def ready(self) -> None:
        """Wait until it hears: the gap says so."""
        await eventually("the subscriber hears", lambda: self.gaps)


async def listening(topics: Any, channel: str) -> tuple[Ear, Callable[[], None]]:
    """A subscriber that is ready, and its unsubscribe."""
    ear = Ear()
    unsubscribe = topics.subscribe(channel, ear.receive, ear.gap)
    await ear.ready()
    return ear, unsubscribe


class TopicsContract:
    """What every implementation does."""

    async def test_it_provides_the_interface(self, topics: Make) -> None:
        verifyObject(ITopics, await topics())

    async def test_every_subscriber_hears_in_this_process_and_in_others(self, topics: Make) -> None:
        here, there = await topics(), await topics()
        ears = [(await listening(t, "news"))[0] for t in (here, here, there)]
        await here.publish("news", "hello")
        for ear in ears:
            await eventually("it is heard", lambda ear=ear: ear.heard == ["hello"])

    async def test_payloads_arrive_whole_and_in_order(self, topics: Make) -> None:
        here, there = await topics(), await topics()
        ear, _ = await listening(there, "news")
        payloads = ["", "plain", "quotes \" and \\ and '", "новый 🥕\n\t", '{"a": 1}', "x" * 7000, "%s $1 {0}"]
        for payload in payloads:
            await here.publish("news", payload)
        await eventually("all are heard", lambda: len(ear.heard) == len(payloads))
        assert ear.heard == payloads

    async def test_a_channel_hears_its_own_alone(self, topics: Make) -> None:
        here, there = await topics(), await topics()
        one, _ = await listening(there, "cache:dropped")
        other, _ = await listening(there, "cache:drop")
        await here.publish("cache:drop", "a")
        await here.publish("cache:dropped", "b")
        await eventually("both are heard", lambda: one.heard and other.heard)
        assert (one.heard, other.heard) == (["b"], ["a"])

    async def test_who_unsubscribed_hears_no_more(self, topics: Make) -> None:
        here, there = await topics(), await topics()
        gone, unsubscribe = await listening(there, "news")
        stays, _ = await listening(there, "news")
        unsubscribe()
        unsubscribe()
        await here.publish("news", "hello")
        await eventually("who stays hears", lambda: stays.heard)
        assert gone.heard == []

    async def test_a_subscriber_that_fails_harms_no_other(self, topics: Make, expected_errors: Any) -> None:
        here = await topics()

        def fail(payload: str) -> None:
            raise ValueError(payload)

        here.subscribe("news", fail, lambda: None)
        ear, _ = await listening(here, "news")
        await here.publish("news", "hello")
        await eventually("the other hears", lambda: ear.heard)
        assert expected_errors(ValueError)

    async def test_a_payload_that_is_too_long_is_dropped_and_raises_nothing(
        self, topics: Make, expected_errors: Any
    ) -> None:
        here = await topics()
        ear, _ = await listening(here, "news")
        await here.publish("news", "x" * 100_000)
        await here.publish("news", "\ud800")
        await here.publish("news", "after")
        await eventually("what comes after is heard", lambda: "after" in ear.heard)
        assert ear.heard == ["after"]
        expected_errors()

    async def test_quotes_that_grow_in_transport_are_heard_or_told_as_a_gap(self, topics: Make) -> None:
        here, there = await topics(), await topics()
        ear, _ = await listening(there, "news")
        before = ear.gaps
        await here.publish("news", '"' * 7000)
        await eventually("it is heard or told", lambda: ear.heard or ear.gaps > before)
