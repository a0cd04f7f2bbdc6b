"""Rows of the rules for searches."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from harvestd.market.search.matching_rules import Told
from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class SearchRule(msgspec.Struct, frozen=True):
    """A rule. ``product_ids`` of a pin are in their order; ``means`` makes a synonym go one way."""

    id: str
    kind: str
    queries: list[str]
    means: list[str]
    product_ids: list[str]
    category_id: str | None
    farm_id: str | None
    tag: str | None
    factor: float | None
    note: str
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime


_NAMES = SearchRule.__struct_fields__
_COLUMNS = ", ".join(
    {"product_ids": "product_ids::text[]", "factor": "factor::float8"}.get(name, name) for name in _NAMES
)
_ONE = Statement("search_rules.one", f"select {_COLUMNS} from search_rules where id = :rule_id", SearchRule)
_LOCK = Statement(
    "search_rules.lock", f"select {_COLUMNS} from search_rules where id = :rule_id for no key update", SearchRule
)
_LIST = Statement(
    "search_rules.list",
    f"""select {_COLUMNS} from search_rules where id < coalesce(:after::uuid, {LAST_ID}) and (:kind::text is null or kind = :kind)
         order by id desc limit :limit""",
    SearchRule,
)
_COUNT = counting.counting("search_rules.count", "search_rules where (:kind::text is null or kind = :kind)")
#: The advisory lock that serialises the number of the rules ("SRULES" in ASCII).
_LOCK_ALL = Statement("search_rules.lock_all", "select pg_advisory_xact_lock(x'5352554c4553'::bigint)", nothing)
_NUMBER = Statement("search_rules.number", "select count(*) from search_rules", scalar)
_INSERT = Statement(
    "search_rules.insert",
    f"insert into search_rules ({', '.join(_NAMES)}) values ({', '.join(f':{name}' for name in _NAMES)})",
    nothing,
)
_CHANGED = tuple(name for name in _NAMES if name not in ("id", "kind", "created_at"))
_UPDATE = Statement(
    "search_rules.update",
    f"update search_rules set {', '.join(f'{name} = :{name}' for name in _CHANGED)} where id = :id",
    nothing,
)
_DELETE = Statement("search_rules.delete", "delete from search_rules where id = :rule_id", nothing)
#: What a rule is about and is not there: (field, its place in it).
_STRANGE = Statement(
    "search_rules.strange",
    """select 'product_ids[' || n - 1 || ']' from unnest(:product_ids::uuid[]) with ordinality as p(id, n)
        where not exists (select from products where id = p.id)
       union all select 'category_id' where :category_id::uuid is not null and not exists (select from categories where id = :category_id)
       union all select 'farm_id' where :farm_id::uuid is not null and not exists (select from farms where id = :farm_id)""",
    scalar,
)
#: All rules that count, as they are applied: a category with those below it.
_TOLD = Statement(
    "search_rules.told",
    """select r.kind, r.queries, r.means, r.product_ids::text[],
              case when r.category_id is not null then 'category' when r.farm_id is not null then 'farm' when r.tag is not null then 'tag' else '' end,
              case when r.category_id is not null then array(
                       with recursive below as (
                           select id, slug from categories where id = r.category_id
                           union select c.id, c.slug from categories c join below b on c.parent_id = b.id
                       ) select slug from below order by slug)
                   when r.farm_id is not null then array(select slug from farms where id = r.farm_id)
                   when r.tag is not null then array[r.tag] else '{}'::text[] end,
              coalesce(r.factor, 1)::float8
         from search_rules r where r.active order by r.id""",
    Told,
)


async def told(reader: Reader) -> list[Told]:
    """The rules that count, in the order in which they were made."""
    return await reader.rows(_TOLD)


async def listed(reader: Reader, after: str | None, limit: int, kind: str | None) -> list[SearchRule]:
    """Rules, newest first."""
    return await reader.rows(_LIST, after=after, limit=limit, kind=kind)


async def count(reader: Reader, kind: str | None) -> int:
    """How many there are."""
    return await counting.count(reader, _COUNT, kind=kind)


async def one(reader: Reader, rule_id: str) -> SearchRule | None:
    """A rule."""
    return await reader.row(_ONE, rule_id=rule_id)


async def lock(tx: Transaction, rule_id: str) -> SearchRule | None:
    """A rule, locked until the transaction ends."""
    return await tx.row(_LOCK, rule_id=rule_id)


async def number(tx: Transaction) -> int:
    """How many rules there are, which stays so until the transaction ends."""
    await tx.row(_LOCK_ALL)
    return await tx.row(_NUMBER) or 0


async def strange(tx: Transaction, rule: SearchRule) -> list[str]:
    """The fields of a rule that name a product, category or farm that is not there."""
    return await tx.rows(_STRANGE, product_ids=rule.product_ids, category_id=rule.category_id, farm_id=rule.farm_id)


async def insert(tx: Transaction, rule: SearchRule) -> None:
    """Store a new rule."""
    await tx.run(_INSERT, **msgspec.structs.asdict(rule))


async def update(tx: Transaction, rule: SearchRule) -> None:
    """Store a changed one."""
    columns: dict[str, Any] = msgspec.structs.asdict(rule)
    await tx.run(_UPDATE, **{name: columns[name] for name in (*_CHANGED, "id")})


async def delete(tx: Transaction, rule_id: str) -> None:
    """Delete a rule."""
    await tx.run(_DELETE, rule_id=rule_id)
