"""Rows of the use of coupons. A use is taken by one conditional update of the coupon's row and one of the person's, which are locked in this order until
the order is placed; so limits hold whoever orders at once."""

from __future__ import annotations

from datetime import date, datetime

from harvestd.market.pricing.coupon_rules import Known
from harvestd.market.pricing.terms import Discount
from harvestd.store.postgres.statements import Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction


def _discount(
    id: str, code: str, percent: int | None, amount: int | None, farm_id: str | None, minimum: int
) -> Discount:
    """What a coupon takes off."""
    kind, value = ("amount", amount or 0) if percent is None else ("percent", percent)
    return Discount(coupon_id=id, code=code, kind=kind, value=value, farm_id=farm_id, minimum=minimum)  # type: ignore[arg-type]


def _known(active: bool, first: date | None, last: date | None, left: bool, left_of_person: bool, *of: object) -> Known:
    return Known(active, first, last, left, left_of_person, _discount(*of))  # type: ignore[arg-type]


_OF = "id::text, code, percent, amount, farm_id::text, minimum"
_TAKE = Statement(
    "coupons.take",
    """with coupon as (
           update coupons set taken = taken + 1
            where code_key = :code_key and active and (first is null or first <= :day::date) and (last is null or :day::date <= last)
              and (uses_most is null or taken < uses_most)
           returning id, code, percent, amount, farm_id, minimum, each_most
       ), person as (
           insert into coupon_people as p (coupon_id, user_id, taken) select id, :user_id::uuid, 1 from coupon
           on conflict (coupon_id, user_id) do update set taken = p.taken + 1
            where p.taken < coalesce((select each_most from coupon), 2147483647)
           returning coupon_id
       )
       select c.id::text, code, percent, amount, farm_id::text, minimum from coupon c join person p on p.coupon_id = c.id""",
    _discount,
)
_SEE = Statement(
    "coupons.see",
    f"""select active, first, last, uses_most is null or taken < uses_most,
               each_most is null or each_most > coalesce((select p.taken from coupon_people p where p.coupon_id = c.id and p.user_id = :user_id::uuid), 0),
               {_OF}
          from coupons c where code_key = :code_key""",
    _known,
)
_USED = Statement(
    "coupons.used",
    "insert into coupon_uses (order_id, coupon_id, user_id) values (:order_id, :coupon_id, :user_id)",
    nothing,
)
# Once: the row of the use is locked, and has its time from then on. In the order in which a use is taken: the coupon, then the person.
_GIVE_BACK = Statement(
    "coupons.give_back",
    """with back as (
           update coupon_uses set returned_at = :now where order_id = :order_id and returned_at is null returning coupon_id, user_id
       ), coupon as (
           update coupons c set taken = c.taken - 1 from back where c.id = back.coupon_id returning c.id
       )
       update coupon_people p set taken = p.taken - 1 from coupon, back
        where p.coupon_id = coupon.id and p.user_id = back.user_id""",
    nothing,
)


async def take(tx: Transaction, code_key: str, user_id: str, day: date) -> Discount | None:
    """Use a coupon once more, if it and the person have a use left that day; what it takes off. What was taken of it is undone with the transaction."""
    return await tx.row(_TAKE, code_key=code_key, user_id=user_id, day=day)


async def see(reader: Reader, code_key: str, user_id: str | None) -> Known | None:
    """A coupon as it is now, for a person."""
    return await reader.row(_SEE, code_key=code_key, user_id=user_id)


def used(tx: Transaction, order_id: str, coupon_id: str, user_id: str) -> None:
    """Store which order has used it, with the commit at the latest."""
    tx.later(_USED, order_id=order_id, coupon_id=coupon_id, user_id=user_id)


async def give_back(tx: Transaction, order_id: str, now: datetime) -> None:
    """Give the use of a locked order back, if it has one that was not given back before."""
    await tx.run(_GIVE_BACK, order_id=order_id, now=now)
