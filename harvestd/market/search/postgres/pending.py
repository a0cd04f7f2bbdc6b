"""Documents that are still to be pushed to Elasticsearch.

PostgreSQL's search documents are the source of truth. Every write of one marks it as pending in the same transaction; the mark is
removed once the engine has accepted that version. So nothing is lost, whichever process crashes and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from harvestd.interfaces import Document
from harvestd.store.postgres.statements import Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction

if TYPE_CHECKING:  # it brings an HTTP client
    from harvestd.market.search.elasticsearch.documents import Refused

_DOCUMENT = """d.kind, d.id::text, d.version, d.title, d.text, d.texts, d.also, d.farm, d.farm_name, d.category, d.category_name, d.category_names, d.tags, d.unit,
       d.price, d.in_stock, d.allergens, d.benefits, d.codes, d.season_from, d.season_to, d.popularity, d.rating, d.latitude, d.longitude, d.fresh_at, d.document,
       d.removed"""


#: The fields of a document that an engine is given: nothing of what not everybody may find.
_NAMES = tuple(name for name in attrs.fields_dict(Document) if name != "sight")


@attrs.frozen
class Marked:
    """A document in its current state, and its mark."""

    mark: int
    document: Document


class Pending(msgspec.Struct, frozen=True):
    """How many documents are pending, the age of the oldest in seconds, and how many the engine refused, with a reason."""

    count: int
    oldest: float
    refused: int
    why: str


def _document(*columns: Any) -> Document:
    fields = dict(zip(_NAMES, columns, strict=True))
    texts = {tag: tuple(both) for tag, both in fields["texts"].items()}
    listed = {name: tuple(fields[name]) for name in ("tags", "allergens", "benefits", "codes")}
    return Document(**{**fields, "texts": texts, **listed})


def _marked(mark: int, *columns: Any) -> Marked:
    return Marked(mark, _document(*columns))


_MARK = Statement(
    "search_pending.mark",
    """insert into search_pending (kind, id) select * from unnest(:kinds::text[], :ids::uuid[]) as m(kind, id) order by kind, id
       on conflict (kind, id) do update set mark = nextval('search_marks'), refused = null""",
    nothing,
)
_OLDEST = Statement(
    "search_pending.oldest",
    f"""select p.mark, {_DOCUMENT} from search_pending p join search_documents d using (kind, id)
         where p.refused is null order by p.mark limit :most""",
    _marked,
)
_DONE = Statement(
    "search_pending.done",
    """delete from search_pending where (kind, id) in (
           select p.kind, p.id from search_pending p
             join unnest(:kinds::text[], :ids::uuid[], :marks::bigint[]) as m(kind, id, mark) using (kind, id, mark)
            order by 1, 2 for update of p)""",
    nothing,
)
_REFUSE = Statement(
    "search_pending.refuse",
    "update search_pending set refused = :given where kind = :kind and id = :id and mark = :mark",
    nothing,
)
_REFUSED = Statement(
    "search_pending.refused",
    """insert into search_pending (kind, id, refused) values (:kind, :id, :why) on conflict (kind, id) do update
          set refused = excluded.refused where search_pending.refused is not null""",
    nothing,
)
_STATE = Statement(
    "search_pending.state",
    """select count(*) filter (where refused is null),
              coalesce(extract(epoch from clock_timestamp() - min(since) filter (where refused is null)), 0)::float8,
              count(refused), coalesce(min(refused), '') from search_pending""",
    Pending,
)
_PAGE = Statement(
    "search_pending.page",
    f"""select {_DOCUMENT} from search_documents d where (d.kind, d.id) > (:kind, :id::uuid) order by d.kind, d.id limit :most""",
    _document,
)
_VERSIONS = Statement(
    "search_pending.versions",
    """select kind || ':' || id, version from search_documents where (kind, id) in (
           select * from unnest(:kinds::text[], :ids::uuid[]))""",
    lambda key, version: (key, version),
)
_FORGET = Statement("search_pending.forget", "delete from search_pending", nothing)

_FIRST = ("", "00000000-0000-0000-0000-000000000000")


async def mark(tx: Transaction, documents: Sequence[Document]) -> None:
    """Mark documents, in the transaction that writes them."""
    if documents:
        await tx.run(
            _MARK, kinds=[document.kind for document in documents], ids=[document.id for document in documents]
        )


async def oldest(reader: Reader, most: int) -> list[Marked]:
    """Pending documents in their current state, the longest pending first."""
    return await reader.rows(_OLDEST, most=most)


async def settle(tx: Transaction, pushed: Sequence[Marked], refused: Sequence[Refused]) -> None:
    """Remove the marks of the ``pushed`` documents that the engine accepted, and record those it ``refused``."""
    why = {(one.kind, one.id): one.why for one in refused}
    held = [one for one in pushed if (one.document.kind, one.document.id) not in why]
    await tx.run(
        _DONE, kinds=[m.document.kind for m in held], ids=[m.document.id for m in held], marks=[m.mark for m in held]
    )
    for one in pushed:
        if (one.document.kind, one.document.id) in why:
            given = why[one.document.kind, one.document.id]
            await tx.run(_REFUSE, kind=one.document.kind, id=one.document.id, mark=one.mark, given=given)


async def refuse(tx: Transaction, refused: Sequence[Refused]) -> None:
    """Record the documents that a rebuild had to leave out; other pending ones are pushed in turn."""
    for one in sorted(refused, key=lambda one: (one.kind, one.id)):
        await tx.run(_REFUSED, kind=one.kind, id=one.id, why=one.why)


async def state(reader: Reader) -> Pending:
    """The size of the backlog."""
    found = await reader.row(_STATE)
    assert found is not None
    return found


async def page(reader: Reader, after: Document | None, most: int) -> list[Document]:
    """All documents, tombstones included, a page at a time."""
    kind, id = (after.kind, after.id) if after is not None else _FIRST
    return await reader.rows(_PAGE, kind=kind, id=id, most=most)


async def versions(reader: Reader, documents: Sequence[Document]) -> dict[str, int]:
    """The current versions of these documents, by their ids in the engine."""
    kinds, ids = [document.kind for document in documents], [document.id for document in documents]
    return dict(await reader.rows(_VERSIONS, kinds=kinds, ids=ids))


async def forget(tx: Transaction) -> None:
    """Remove every mark, as no engine is configured any more."""
    await tx.run(_FORGET)
