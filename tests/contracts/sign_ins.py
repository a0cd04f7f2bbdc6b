"""The contract of ISessions. A suite subclasses :class:`SessionsContract` and gives the fixture ``world``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred
from uuid_utils import uuid7
from zope.interface.verify import verifyObject

from harvestd.interfaces import Account, ISignIns
from harvestd.kernel.errors import Unavailable
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts import sign_ins as sessions
from harvestd.market.accounts.rules import NewAccount
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Row, Statement, nothing
from tests.waiting import eventually

ROLE = Statement("test_role", "update users set role = :role, version = version + 1 where id = :user_id", nothing)
FACTOR = Statement("test_factor", "update users set second_factor = :has where id = :user_id", nothing)
OPEN = Statement("test_open", "update users set active = true where id = :user_id", nothing)
CLOSE = Statement("test_close", "update users set active = false where id = :user_id", nothing)
EXPIRE = Statement("test_expire", "update sign_ins set expires_at = :until where id = :session", nothing)
NEVER = str(uuid7())


def new_id() -> str:
    return str(uuid7())


@attrs.define(eq=False)
class Line:
    """The way of one process to the database: counts what is asked, is ``cut`` on demand, and holds answers back
    between :meth:`hold` and :meth:`release`."""

    database: Database
    asked: int = 0
    cut: bool = False
    held: Deferred[None] | None = None

    async def rows(self, statement: Statement[Row], **values: Any) -> list[Row]:
        self.asked += 1
        if self.cut:
            raise Unavailable("no line")
        rows = await self.database.rows(statement, **values)
        if self.held is not None:
            held, mine = self.held, Deferred[None]()
            held.addCallback(mine.callback)
            await mine
        return rows

    async def row(self, statement: Statement[Row], **values: Any) -> Row | None:
        return next(iter(await self.rows(statement, **values)), None)

    def hold(self) -> None:
        self.held = Deferred()

    def release(self) -> None:
        held, self.held = self.held, None
        assert held is not None
        held.callback(None)


@attrs.define(eq=False)
class Process:
    """The sessions of one process, and its line."""

    sessions: ISignIns
    line: Line

    async def alive(self, user_id: str, session: str) -> bool:
        return await self.sessions.account(user_id, session) is not None


@attrs.define(eq=False)
class World:
    """A database; ``process`` makes one more process on it, started and hearing."""

    database: Database
    process: Callable[[], Awaitable[Process]]

    async def user(self) -> str:
        user_id = new_id()
        account = NewAccount(user_id, user_id, user_id, user_id, "Ada", "buyer", None)
        await self.database.transaction(lambda tx: accounts.insert(tx, account, user_id, "x", datetime.now(UTC)))
        return user_id

    async def signed_in(self, user_id: str) -> str:
        session, now = new_id(), datetime.now(UTC)
        until = now + timedelta(days=30)

        async def work(tx: Any) -> None:
            assert await sessions.begin(tx, session, user_id, now, until)
            await sessions.add_token(tx, new_id(), session, user_id, session.encode(), now, until)

        await self.database.transaction(work)
        return session

    async def refreshed(self, user_id: str, session: str, times: int) -> None:
        now = datetime.now(UTC)

        async def work(tx: Any) -> None:
            digest = session.encode()
            for n in range(times):
                token = await sessions.lock(tx, digest)
                assert token is not None
                assert await sessions.use_token(tx, token.id, now)
                digest = f"{session}{n}".encode()
                await sessions.add_token(tx, new_id(), session, user_id, digest, now, now + timedelta(days=30))

        await self.database.transaction(work)

    async def revoke(self, user_id: str, session: str | None = None) -> None:
        """End one in the database, or all, and tell nobody."""
        now = datetime.now(UTC)
        if session is None:
            await self.database.transaction(lambda tx: sessions.end_all(tx, user_id, now))
        else:
            await self.database.transaction(lambda tx: sessions.end(tx, session, user_id, now))


class SessionsContract:
    """What every implementation does."""

    async def test_it_provides_the_interface(self, world: World) -> None:
        verifyObject(ISignIns, (await world.process()).sessions)

    async def test_a_sign_in_holds_for_its_owner_alone(self, world: World) -> None:
        process, ada, bob = await world.process(), await world.user(), await world.user()
        hers, his = await world.signed_in(ada), await world.signed_in(bob)
        assert await process.alive(ada, hers) and await process.alive(bob, his)
        assert not await process.alive(ada, his) and not await process.alive(bob, hers)
        assert await process.alive(ada, hers) and await process.alive(bob, his)

    async def test_it_holds_through_its_refreshes(self, world: World) -> None:
        process, ada = await world.process(), await world.user()
        session = await world.signed_in(ada)
        await world.refreshed(ada, session, 5)
        assert await process.alive(ada, session)

    async def test_what_never_was_does_not_hold(self, world: World) -> None:
        process, ada = await world.process(), await world.user()
        hers = await world.signed_in(ada)
        for odd in ["", "-", " ", "ada", "a b", NEVER, "x" * 5000, "\ud83c", "%", "*", "\r\n", "\0"]:
            assert await process.alive(ada, hers)
            assert not await process.alive(odd, odd), odd
            assert not await process.alive(ada, odd), odd
            assert not await process.alive(odd, hers), odd
        assert await process.alive(ada, hers)

    async def test_an_end_is_known_here_at_once_and_everywhere_within_a_second(self, world: World) -> None:
        here, there, ada = await world.process(), await world.process(), await world.user()
        gone, stays = await world.signed_in(ada), await world.signed_in(ada)
        for process in (here, there):
            assert await process.alive(ada, gone) and await process.alive(ada, stays)
        await world.revoke(ada, gone)
        await here.sessions.ended(ada)
        assert not await here.alive(ada, gone)

        async def known() -> bool:
            return not await there.alive(ada, gone)

        await eventually("the other process knows", known, 1.0)
        assert await here.alive(ada, stays) and await there.alive(ada, stays)

    async def test_all_end_at_once(self, world: World) -> None:
        here, ada = await world.process(), await world.user()
        several = [await world.signed_in(ada) for _ in range(3)]
        assert [await here.alive(ada, session) for session in several] == [True] * 3
        await world.revoke(ada)
        await here.sessions.ended(ada)
        assert [await here.alive(ada, session) for session in several] == [False] * 3

    async def test_a_closed_account_and_an_expired_sign_in_do_not_hold(self, world: World) -> None:
        process, ada, bob = await world.process(), await world.user(), await world.user()
        hers, his = await world.signed_in(ada), await world.signed_in(bob)
        await world.database.transaction(lambda tx: tx.run(CLOSE, user_id=ada))
        await world.database.transaction(lambda tx: tx.run(EXPIRE, session=his, until=datetime.now(UTC)))
        assert not await process.alive(ada, hers)
        assert not await process.alive(bob, his)

    async def test_a_role_is_known_everywhere_as_soon_as_somebody_changed_it(self, world: World) -> None:
        """Whoever it was, and be it by hand: the database tells."""
        here, there, ada, bob = (
            await world.process(), await world.process(), await world.user(), await world.user()
        )  # fmt: skip
        hers, his = await world.signed_in(ada), await world.signed_in(bob)
        for role in ("admin", "buyer", "farmer"):
            await world.database.transaction(lambda tx, role=role: tx.run(ROLE, user_id=ada, role=role))  # type: ignore[misc]
            for process in (here, there):

                async def known(process: Process = process, role: str = role) -> bool:
                    return await process.sessions.account(ada, hers) == Account(role)

                await eventually(f"she is {role}", known, 2.0)
                assert await process.sessions.account(bob, his) == Account("buyer")
                assert await process.sessions.account(bob, hers) is None

    async def test_a_second_factor_is_known_everywhere_as_soon_as_it_counts_and_as_it_goes(self, world: World) -> None:
        here, there, ada = await world.process(), await world.process(), await world.user()
        session = await world.signed_in(ada)
        for has in (True, False):
            await world.database.transaction(lambda tx, has=has: tx.run(FACTOR, user_id=ada, has=has))  # type: ignore[misc]
            for process in (here, there):

                async def known(process: Process = process, has: bool = has) -> bool:
                    return await process.sessions.account(ada, session) == Account("buyer", has)

                await eventually(f"she has one: {has}", known, 2.0)

    async def test_a_closed_account_is_known_everywhere_and_opened_again_has_no_sign_ins(self, world: World) -> None:
        here, there, ada = await world.process(), await world.process(), await world.user()
        session = await world.signed_in(ada)
        assert await here.alive(ada, session) and await there.alive(ada, session)
        await world.database.transaction(lambda tx: tx.run(CLOSE, user_id=ada))
        for process in (here, there):

            async def known(process: Process = process) -> bool:
                return not await process.alive(ada, session)

            await eventually("it is closed", known, 2.0)
        await world.database.transaction(lambda tx: tx.run(OPEN, user_id=ada))
        another = await world.signed_in(ada)
        for process in (here, there):

            async def opened(process: Process = process) -> bool:
                return await process.alive(ada, another)

            await eventually("it is open", opened, 2.0)
            assert not await process.alive(ada, session)

    async def test_a_new_sign_in_holds_at_once_whatever_is_known_of_the_user(self, world: World) -> None:
        here, there, ada = await world.process(), await world.process(), await world.user()
        first = await world.signed_in(ada)
        assert await here.alive(ada, first) and await there.alive(ada, first)
        second = await world.signed_in(ada)
        assert await there.alive(ada, second) and await here.alive(ada, second)
        assert await here.alive(ada, first) and await there.alive(ada, first)

    async def test_of_very_many_sign_ins_each_holds(self, world: World) -> None:
        process, ada = await world.process(), await world.user()
        several = [await world.signed_in(ada) for _ in range(60)]
        for session in several:
            assert await process.alive(ada, session)

    async def test_what_is_known_is_not_asked_for_again(self, world: World) -> None:
        process, ada = await world.process(), await world.user()
        first, second = await world.signed_in(ada), await world.signed_in(ada)
        ended = await world.signed_in(ada)
        await world.revoke(ada, ended)
        for _ in range(20):
            assert await process.alive(ada, first) and await process.alive(ada, second)
        assert process.line.asked == 1
        for _ in range(20):
            assert not await process.alive(ada, ended)
            assert await process.alive(ada, first)
        assert process.line.asked == 2

    async def test_a_crowd_asks_once(self, world: World) -> None:
        process, ada = await world.process(), await world.user()
        session = await world.signed_in(ada)
        asking = [Deferred.fromCoroutine(process.alive(ada, session)) for _ in range(100)]
        assert [await one for one in asking] == [True] * 100
        assert process.line.asked == 1

    async def test_an_answer_from_before_an_end_is_not_kept_after_it(self, world: World) -> None:
        """In whichever process the question was under way."""
        here, there, ada = await world.process(), await world.process(), await world.user()
        session = await world.signed_in(ada)
        for process in (here, there):
            process.line.hold()
        slow = [Deferred.fromCoroutine(process.alive(ada, session)) for process in (here, there)]
        await eventually("both have asked", lambda: here.line.asked and there.line.asked)
        await eventually("both have their rows", _idle(world.database))
        await world.revoke(ada, session)
        await here.sessions.ended(ada)
        for process in (here, there):
            process.line.release()
        for one in slow:
            await one  # they asked before it
        assert not await here.alive(ada, session)

        async def known() -> bool:
            return not await there.alive(ada, session)

        await eventually("the other process knows", known, 1.0)
        assert not await (await world.process()).alive(ada, session)

    async def test_while_nobody_can_be_asked_what_is_known_holds_and_the_rest_is_unavailable(
        self, world: World
    ) -> None:
        process, ada = await world.process(), await world.user()
        known, unknown = await world.signed_in(ada), await world.signed_in(ada)
        await world.revoke(ada, unknown)
        assert await process.alive(ada, known)
        process.line.cut = True
        assert await process.alive(ada, known)
        with pytest.raises(Unavailable):
            await process.alive(ada, unknown)
        assert await process.alive(ada, known)
        with pytest.raises(Unavailable):
            await process.alive(await world.user(), known)
        process.line.cut = False
        assert not await process.alive(ada, unknown)
        assert await process.alive(ada, known)


def _idle(database: Database) -> Callable[[], bool]:
    return lambda: database.pool.state()["active"] == 0


Worlds = AsyncIterator[World]
