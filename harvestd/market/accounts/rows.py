"""Rows of users and their farms."""

from __future__ import annotations

from datetime import datetime

import msgspec

from harvestd.kernel.errors import AlreadyTaken, FieldError, Unauthenticated
from harvestd.market.accounts.rules import NewAccount
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class User(msgspec.Struct, frozen=True):
    """A person. ``avatar`` is the id of the blobs of their picture. ``deactivated`` is whether they have put the account to rest themselves; ``password_hash`` is argon2id's encoded form, or empty: then no password matches; ``verified`` whether their
    address is known to be theirs; ``language`` the one that they want to be written to in, None for the market's first."""

    id: str
    email: str
    username: str
    name: str
    role: str
    avatar: str | None
    active: bool
    password_hash: str
    version: int
    phone: str | None
    verified: bool
    email_key: str
    second_factor: bool
    deactivated: bool
    language: str | None


class Belonging(msgspec.Struct, frozen=True):
    """A ``farm`` that a person belongs to, with their role in it, or a ``group`` of buyers (market/groups) that they are in."""

    kind: str
    id: str
    slug: str
    name: str
    role: str


class Membership(msgspec.Struct, frozen=True):
    """A farm that a person belongs to."""

    farm_id: str
    slug: str
    name: str
    role: str


USER = "id, email, username, name, role, avatar, active, password_hash, version, phone, verified_at is not null, email_key, second_factor, deactivated_at is not null, language"
BY_ID = Statement("accounts.by_id", f"select {USER} from users where id = :user_id", User)
BY_EMAIL = Statement("accounts.by_email", f"select {USER} from users where email_key = :key", User)
_LANGUAGE = Statement(
    "accounts.language",
    "select language from users where id = :user_id or email_key = :email_key order by (id = :user_id) desc limit 1",
    scalar,
)
_LOCK = Statement("accounts.lock", "select role from users where id = :user_id and active for no key update", scalar)
_BECOME_FARMER = Statement(
    "accounts.become_farmer",
    "update users set role = 'farmer', version = version + 1, updated_at = :now where id = :user_id and role = 'buyer'",
    nothing,
)
FARMS_OF = Statement(
    "accounts.farms_of",
    """select f.id, f.slug, f.name, m.role from farm_members m join farms f on f.id = m.farm_id
       where m.user_id = :user_id order by f.name, f.id""",
    Membership,
)
_BELONGS = Statement(
    "accounts.belongs",
    """select 'farm', f.id, f.slug, f.name, m.role from farm_members m join farms f on f.id = m.farm_id where m.user_id = :user_id
       union all
       select 'group', g.id, g.slug, g.name, '' from group_members m join groups g on g.id = m.group_id where m.user_id = :user_id
       order by 4, 2""",
    Belonging,
)
_INSERT = Statement(
    "accounts.insert",
    """insert into users (id, email, email_key, username, username_key, name, password_hash, role, language, created_at, updated_at)
       values (:user_id, :email, :email_key, :username, :username_key, :name, :password_hash, :role, :language, :now, :now) on conflict do nothing returning id""",
    scalar,
)
_REHASH = Statement(
    "accounts.rehash",
    "update users set password_hash = :fresh where id = :user_id and password_hash = :stored",
    nothing,
)
#: The fields that other accounts already have, looked up after a conflict.
_TAKEN = Statement(
    "accounts.taken",
    """select exists (select from users where email_key = :email_key), exists (select from users where username_key = :username_key)""",
    lambda email, username: (email, username),
)


_TAKEN_FAULTS = (
    FieldError("email", "this email is in use; sign in, or choose another", code="taken", params={"reason": "account"}),
    FieldError("username", "this username is in use; choose another", code="taken"),
)


async def insert(tx: Transaction, account: NewAccount, user_id: str, password_hash: str, now: datetime) -> None:
    """Store a new account; raises :class:`AlreadyTaken` naming every field whose value another account has."""
    taken = await insert_unless_taken(tx, account, user_id, password_hash, now)
    if taken:
        raise AlreadyTaken(errors=taken)


async def insert_unless_taken(
    tx: Transaction, account: NewAccount, user_id: str, password_hash: str, now: datetime
) -> tuple[FieldError, ...]:
    """Store a new account, or return a fault for every field whose value another account has."""
    stored = await tx.row(
        _INSERT, user_id=user_id, email=account.email, email_key=account.email_key, username=account.username, username_key=account.username_key, name=account.name,
        password_hash=password_hash, role=account.role, language=account.language, now=now,
    )  # fmt: skip
    if stored is not None:
        return ()
    found = await tx.row(_TAKEN, email_key=account.email_key, username_key=account.username_key)
    return tuple(fault for fault, taken in zip(_TAKEN_FAULTS, found or (), strict=False) if taken)


async def rehash(tx: Transaction, user: User, fresh: str) -> bool:
    """Store another hash of the password that the account has; False if by now it has another hash than ``user``. The account stays the
    version that it is: nothing that its owner knows of has changed."""
    return bool(await tx.run(_REHASH, user_id=user.id, stored=user.password_hash, fresh=fresh))


async def lock(tx: Transaction, user_id: str) -> str:
    """Lock a person's row, so that what is counted of theirs stays as it is, and nothing is added to an account that is being closed beside
    it; returns their role, which stays, too. Raises ``Unauthenticated`` for a closed one."""
    role: str | None = await tx.row(_LOCK, user_id=user_id)
    if role is None:
        raise Unauthenticated("the account is closed")
    return role


async def become_farmer(tx: Transaction, user_id: str, now: datetime) -> bool:
    """Make a buyer a farmer; False for others, who are one, or more."""
    return bool(await tx.run(_BECOME_FARMER, user_id=user_id, now=now))


async def by_id(reader: Reader, user_id: str) -> User | None:
    """A person by id."""
    return await reader.row(BY_ID, user_id=user_id)


async def by_email(reader: Reader, key: str) -> User | None:
    """A person by the normal form of an e-mail address (:func:`harvestd.kernel.email_addresses.key`)."""
    return await reader.row(BY_EMAIL, key=key)


async def belongs(reader: Reader, user_id: str) -> list[Belonging]:
    """The farms and groups that a person belongs to, ordered by name: in one statement, since whoever signs in is told."""
    return await reader.rows(_BELONGS, user_id=user_id)


async def language(reader: Reader, user_id: str, email_key: str) -> str | None:
    """The language of an account, by its id, or else by its address; None if it has chosen none, or there is no such account."""
    return await reader.row(_LANGUAGE, user_id=user_id, email_key=email_key)


async def farms_of(reader: Reader, user_id: str) -> list[Membership]:
    """The farms that a person belongs to, ordered by name."""
    return await reader.rows(FARMS_OF, user_id=user_id)
