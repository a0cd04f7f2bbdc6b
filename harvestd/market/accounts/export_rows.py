"""What is held on a person, by sections: each is read a page at a time, so that no export takes long at once. Other subjects have sections
of their own (:class:`harvestd.market.accounts.export_actions.Exported`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from harvestd.store.postgres.statements import Reader, Statement

#: A row with its key, after which the next page starts.
Keyed = tuple[str, dict[str, Any]]
#: Where a key begins, by its type.
_FIRST = {
    "uuid": "'00000000-0000-0000-0000-000000000000'::uuid", "bigint": "0", "timestamptz": "'-infinity'::timestamptz",
}  # fmt: skip


@attrs.frozen
class Section:
    """What is held of one sort; ``single`` if that is one thing instead of a list."""

    name: str
    statement: Statement[Keyed]
    single: bool = False

    async def page(self, reader: Reader, user_id: str, after: str, limit: int) -> list[Keyed]:
        """The rows after a key (the first ones after an empty one): ``limit`` of them, and those that have the key of the last one."""
        return await reader.rows(self.statement, user_id=user_id, after=after, limit=limit)


def section(
    name: str, columns: Sequence[str], rows: str, key: str = "id", type: str = "uuid", single: bool = False
) -> Section:
    """The ``columns`` (each a column, or ``… as name``) of ``rows``, the rest of a select from its ``from`` on, with a condition on
    ``:user_id``; by a ``key`` of a ``type``."""
    names = [column.rpartition(" as ")[2].rpartition(".")[2] for column in columns]
    sql = f"""select ({key})::text as key_of_row, {", ".join(columns)} from {rows} and {key} > coalesce(nullif(:after::text, '')::{type}, {_FIRST[type]})
               order by {key} fetch first (:limit::bigint) rows with ties"""
    into = lambda key, *values: (key, dict(zip(names, values, strict=True)))  # noqa: E731
    return Section(name, Statement(f"export.{name}", sql, into), single)


#: Of the audit log: what one did oneself, and what was done to one; not what it was, where that is somebody else's, nor from where others did it.
_AUDIT = (
    "at", "action", "object", "case when actor_id is null then 'market' when actor_id = :user_id then 'you' else 'another' end as by",
    "case when coalesce(subject_id, :user_id) = :user_id then before else '{}' end as before",
    "case when coalesce(subject_id, :user_id) = :user_id then after else '{}' end as after",
    "case when actor_id = :user_id then address else '' end as address",
)  # fmt: skip

#: As the list of one's sign-ins has it (sign_in_rows.py), with those that are over: nothing of the device by which somebody of the staff acts.
_SIGN_IN = (
    "kind", "case when actor_id is null then device else '' end as device", "actor_id is not null as acting",
    "ended_at is null and expires_at > now() as live", "created_at", "renewed_at", "expires_at", "ended_at",
)  # fmt: skip

#: Without secrets: no password, no key, no code, and no text of a mail, which may have a link with one.
SECTIONS: tuple[Section, ...] = (
    section("account", ("id", "email", "verified_at is not null as email_verified", "username", "name", "role", "phone", "case when avatar is not null then '/api/blobs/' || avatar || '/large.webp' end as avatar", "language", "second_factor", "created_at"),
            "users where id = :user_id", single=True),
    section("farms", ("f.id as farm_id", "f.slug", "f.name", "m.role", "m.joined_at"),
            "farm_members m join farms f on f.id = m.farm_id where m.user_id = :user_id", "f.id"),
    section("addresses", ("id", "label", "recipient", "address", "phone", "note", "created_at", "updated_at"), "addresses where user_id = :user_id"),
    section("consents", ("kind", "version", "agreed", "at"), "consents where user_id = :user_id", "at", "timestamptz"),
    section("api_keys", ("id", "name", "hint", "scopes", "created_at", "expires_at", "last_used_at", "ended_at"), "api_keys where user_id = :user_id"),
    section("second_factors", ("kind", "name", "created_at", "confirmed_at", "last_used_at"), "second_factors where user_id = :user_id"),
    section("identities", ("issuer", "subject", "email", "created_at", "last_used_at"), "identities where user_id = :user_id"),
    section("sign_ins", _SIGN_IN, "sign_ins where user_id = :user_id and kind <> 'place'"),
    section("operations", ("id", "kind", "status", "created_at", "finished_at"), "operations where user_id = :user_id"),
    section("audit", _AUDIT, "audit where (subject_id = :user_id or actor_id = :user_id)", "seq", "bigint"),
)  # fmt: skip
