"""What renews a sign-in beside what ends it: once somebody was answered that it has ended, no pair of tokens of it works.

Each two actions meet in two ways: both wait for the sign-in's row, which the test holds, so that they overlap for certain and
go on in a known order; and many pairs at once, as they come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import product

import attrs
import pytest

from harvestd.market.accounts import sign_ins as sessions
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.store.postgres.transactions import Transaction
from harvestd.web import tokens
from harvestd.web.context import Caller
from tests.locks import holding, meeting
from tests.people import Market
from tests.web.client import Response
from tests.web.conftest import settled


@attrs.define
class SignIn:
    """A sign-in that was refreshed once: the token that was used, and the pair that holds."""

    market: Market
    id: str
    user_id: str
    used: str
    refresh: str
    access: str

    async def refreshed(self, token: str) -> Response:
        return await self.market.stranger.post("/api/auth/refresh", {"refresh_token": token})

    async def out(self, query: str = "") -> Response:
        return await self.market.stranger.signed_in(self.access).post(f"/api/auth/logout{query}")


async def sign_in(market: Market, user_id: str) -> SignIn:
    session, now = market.parts.new_id(), datetime.now(UTC)
    first, until = f"first of {session}", now + timedelta(days=30)

    async def work(tx: Transaction) -> None:
        assert await sessions.begin(tx, session, user_id, now, until)
        digest = hashlib.sha256(first.encode()).digest()
        await sessions.add_token(tx, market.parts.new_id(), session, user_id, digest, now, until)

    await market.parts.database.transaction(work)
    access = tokens.issue(market.parts.secret, Caller(user_id, "buyer", session), now, 900)
    made = SignIn(market, session, user_id, first, first, access)
    pair = (await made.refreshed(first)).json()
    await market.parts.database.transaction(lambda tx: tx.run(LONG_AGO, session=session))
    return attrs.evolve(made, refresh=pair["refresh_token"], access=pair["access_token"])


#: So that the first token is not one that two tabs used at once.
LONG_AGO = Statement(
    "test.long_ago",
    "update refresh_tokens set used_at = used_at - interval '1 minute' where family_id = :session",
    nothing,
)
ACTIONS: dict[str, Callable[[SignIn], Awaitable[Response]]] = {
    "refresh": lambda s: s.refreshed(s.refresh),
    "reuse": lambda s: s.refreshed(s.used),
    "logout": lambda s: s.out(),
    "everywhere": lambda s: s.out("?everywhere=true"),
    "another refresh": lambda s: s.refreshed(s.refresh),
}
#: Every two of which at least one ends the sign-in.
PAIRS = [pair for pair in product(ACTIONS, ACTIONS) if not set(pair) <= {"refresh", "another refresh"}]


async def nothing_works(made: SignIn, answers: list[Response]) -> None:
    """Of any pair that anybody ever had of it."""
    assert all(answer.status in (200, 204, 401) for answer in answers), [answer.text for answer in answers]
    pairs = [answer.json() for answer in answers if answer.status == 200]
    for access in [made.access, *(pair["access_token"] for pair in pairs)]:
        assert (await made.market.stranger.signed_in(access).get("/api/users/me")).status == 401
    for refresh in [*(pair["refresh_token"] for pair in pairs), made.refresh]:
        assert (await made.refreshed(refresh)).status == 401


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_two_that_meet_in_a_known_order(market: Market, database_url: str, first: str, second: str) -> None:
    made = await sign_in(market, (await market.person()).id)
    with holding(database_url, "select from sign_ins where id = %s for update", made.id) as held:
        answers = await meeting(database_url, held, *(ACTIONS[name](made) for name in (first, second)))
    await nothing_works(made, answers)


@pytest.mark.limit(120)
async def test_hundreds_that_meet_as_they_come(market: Market) -> None:
    for first, second in PAIRS:
        made = [await sign_in(market, (await market.person()).id) for _ in range(12)]
        answers = await settled(*(ACTIONS[name](one) for one in made for name in (first, second)))
        for one, pair in zip(made, zip(answers[::2], answers[1::2], strict=True), strict=True):
            await nothing_works(one, list(pair))


async def test_of_many_refreshes_of_one_token_at_once_all_get_the_same_and_a_later_one_ends_the_sign_in(
    market: Market,
) -> None:
    """Two tabs of a browser stay signed in, and a copy does not go on beside its owner."""
    made = await sign_in(market, (await market.person()).id)
    answers = await settled(*(made.refreshed(made.refresh) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    await market.parts.database.transaction(lambda tx: tx.run(LONG_AGO, session=made.id))
    assert (await made.refreshed(made.refresh)).status == 401
    await nothing_works(made, answers)


async def test_a_refresh_that_nobody_disturbs_goes_on(market: Market) -> None:
    """Lest all of the above held because nothing ever works."""
    made = await sign_in(market, (await market.person()).id)
    for _ in range(3):
        pair = (await made.refreshed(made.refresh)).json()
        made = attrs.evolve(made, refresh=pair["refresh_token"], access=pair["access_token"])
        assert (await market.stranger.signed_in(made.access).get("/api/users/me")).status == 200
