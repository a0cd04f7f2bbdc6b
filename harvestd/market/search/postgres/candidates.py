"""Which hits are ranked: all of them or, of very many, the best :data:`RANKED` as far as an index can tell.

A common word is in a tenth of a market: to look at each document that has it takes a second in a market of a million. So ``steps`` are gone down
until as many are found, each of them one look into the index: first what has the query's words in its title, by how well it stands whatever is
asked; then what has them elsewhere; what is sold out comes last. What the rules put forward, and what is near, comes before the others. Who has gone
down all steps has all hits, each once. See ``keys.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from harvestd.market.search.postgres.conditions import FACETS, FAR, documents
from harvestd.market.search.postgres.keys import ELSEWHERE, LAST_ELSEWHERE, SOLD_OUT, STEPS, TITLED
from harvestd.market.search.postgres.scoring import Form

#: So many hits are ranked and counted, facets among them; the pages go on with the others. To count ten thousand takes longer than all the rest.
RANKED = 1_000
#: Parts of a query (two words, and what joins them): what has more words, all of them, is in few documents, which are looked up at once, and step by step only if there
#: are many.
FEW_WORDS = 3

#: What a query of words is, in PostgreSQL's own form: ``meant`` as typed, with all ways to say it; ``words`` with typing errors, too; ``typed``
#: any of the words as typed; ``query`` finds by it or by the product's own number, which is no word that a text lacks when it is ranked, with the filters' keys; ``titled`` has the words
#: in its title.
_OF_WORDS = """
    select *, {query} as query, meant || code as exact, replace(meant::text, '&', '|')::tsquery as typed,
           regexp_replace(words::text, '''([^'']+)''', '''=\\1''', 'g')::tsquery as titled from (
        select *, case when :wide::tsquery is null then meant else {wide} end as words
      from (select {meant} as meant, {title} as title, {phrase} as phrase, (:code)::tsquery as code, {keys} from {keyed}) a) b"""
#: Without words: whatever has the filters' keys, or everything.
_OF_FILTERS = """
    select *, coalesce(keys, '!''~none'''::tsquery) as query from (select {keys} from {keyed}) a"""
#: Filters are looked up by keys once all documents have theirs.
_KEYED = "(select not exists (select from search_renewals where source in ('search', 'keys')) as keyed) k"

_PINNED = "d.kind = 'product' and d.id = any(:pins::uuid[])"
#: The pools that there are: with the number alone, of words that are in every text; the last one without words, of everything.
_SOME = "numnode(p.query) > 0 and (p.n = 0 or numnode(a.words) > 0)"
_SOME_OR_ALL = "p.query is not null or p.n = 2"
#: Pools of documents, none in two of them; those with a mark are looked up step by step. The words of a title are keys with the step: these are short lists
#: of the index, where a word and a step are two long ones.
_STEPS = f"""
    select query from (
        select (s.n = {STEPS})::int as late, p.n as pool, s.n as step,
               concat_ws(' & ', case when t.stand then regexp_replace('(' || p.titled::text || ')', '''([^'']+)''', '''\\1' || s.key || '''', 'g') else '(' || p.query::text || ')' end,
                         case when t.stand then '(' || p.beside::text || ')' else quote_literal(s.key) end,
                         '(' || a.keys::text || ')', '!(' || e.earlier || ')')::tsquery as query
          from asked a, pools p,
               lateral (select string_agg('(' || e.query::text || ')', ' | ') as earlier from pools e where e.n < p.n) e,
               lateral (select p.mark = '{TITLED}' and p.titled is not null as stand) t,
               lateral (select n, case n when {STEPS} then '{SOLD_OUT}' else p.mark || n end as key
                          from generate_series(0, case when p.mark is null then 0 else {STEPS} end) as n) s
         where not (:in_stock::boolean and s.n = {STEPS}) and (s.n <= {LAST_ELSEWHERE} or s.n = {STEPS} or p.mark = '{TITLED}')
    ) s order by late, pool, step"""

#: What has some keys, or everything, by how well it stands.
STANDINGS = f"""(select coalesce(a.{{keys}} && s.standing, s.standing) as query from asked a, lateral (
        select n, quote_literal(case n when {STEPS} then '{SOLD_OUT}' else '{ELSEWHERE}' || n end)::tsquery as standing from generate_series(0, {STEPS}) as n where n <= {LAST_ELSEWHERE} or n = {STEPS}) s
        order by s.n)"""


_NONE = "null::tsquery"


class _Pool(NamedTuple):
    """In SQL: the mark of its steps, all that it asks for, the words in the title of that, and what else."""

    mark: str
    query: str
    titled: str = _NONE
    beside: str = _NONE


def candidates(form: Form, others: Sequence[str], columns: str) -> str:
    """The common table expressions from ``asked`` to ``ranked``: ``columns`` of what is ranked, read with the look that finds it; ``whether`` has ``cut``, whether there are
    more hits."""
    hits = f"select d.ctid as at from {documents(match(form))}"
    pinned, unpinned = "", ""
    if form.words and form.ruled:
        pinned = f"select {columns} from {documents(_PINNED)} union all "
        unpinned = f" and not ({_PINNED})"
    step = f"select {columns} from {documents(f'd.lexemes @@ s.query{unpinned}')} offset 0"
    plain = f"not keyed or (numnode(words) > {FEW_WORDS} and not :loose::boolean)" if form.words else "not keyed"
    stepped = f"not ({plain}) or (select count(*) from first) >= {RANKED}"
    return f"""asked as materialized ({_asked(form, others)}
), pools as materialized (select p.* from asked a, lateral (values {_pools(form)}) p(n, mark, query, titled, beside) where {_SOME if form.words else _SOME_OR_ALL}
), steps as materialized ({_STEPS}
), first as materialized (select at from ({hits} limit {RANKED}) u where (select {plain} from asked)
), ranked as materialized (
    select {columns} from first join search_documents d on d.ctid = first.at, {FAR} where (select not keyed from asked) or (select count(*) from first) < {RANKED}
    union all select * from (
        {pinned}select f.* from steps s, lateral ({step}) f limit {RANKED}) k
     where (select keyed and ({stepped}) from asked)
), whether as materialized (select count(*) >= {RANKED} as cut from ranked
)"""


def match(form: Form) -> str:
    """The condition on a hit that the index answers; nothing if everything is one."""
    if not form.words:
        return "d.lexemes @@ (select query from asked)" if form.keyed else ""
    if form.ruled:
        return f"(d.lexemes @@ (select query from asked) or ({_PINNED}))"
    return "d.lexemes @@ (select query from asked)"


def _asked(form: Form, others: Sequence[str]) -> str:
    """What is asked for, and by which keys it is looked up: null where there is none."""
    names = [
        "keys",
        "nearby",
        *(["boosted"] if form.ruled else []),
        *(f"beside_{name}" for name in FACETS if form.beside),
    ]
    keys = ", ".join(
        ["k.keyed", *(f"case when k.keyed then nullif(:{name}::text, '')::tsquery end as {name}" for name in names)]
    )
    if not form.words:
        return _OF_FILTERS.format(keys=keys, keyed=_KEYED)
    texts = {name: _understood(name, others) for name in ("meant", "title", "phrase")}
    wide, query = ":wide || meant" if form.ruled else ":wide", with_keys("keys")
    return _OF_WORDS.format(wide=wide, query=query, keys=keys, keyed=_KEYED, **texts)


def with_keys(keys: str) -> str:
    """What has the words of ``asked``, or is the number, and has these keys. Words that are in every text find nothing, whatever the keys."""
    return f"case when numnode(words || code) > 0 and {keys} is not null then (words || code) && {keys} else words || code end"


def _understood(name: str, others: Sequence[str]) -> str:
    """A text of the query as the market's own language understands it, or any of the others."""
    own = f"to_tsquery(:language::regconfig, :{name})"
    return " || ".join([own, *(f"to_tsquery('{other}'::regconfig, :{name})" for other in others)])


def _pools(form: Form) -> str:
    """The pools in the order in which they are looked up: the number of something, in a query with typing errors what has the words as they
    were typed, what the rules put forward, what is near, all. Each with the words in the title that it asks for, if it does, and what besides."""
    if not form.words:
        pools = ["a.boosted" if form.ruled else "null::tsquery", "a.nearby", "null::tsquery"]
        return _numbered([_Pool(f"'{ELSEWHERE}'", pool) for pool in pools])
    typed = f"case when :wide::tsquery is null then '{TITLED}' else '{ELSEWHERE}' end"  # what may have been meant has no points for a short title
    places = [("a.titled", typed, "a.titled"), ("a.words", f"'{ELSEWHERE}'", _NONE)]
    at_once = [_Pool("null", "a.code"), _Pool("null", "case when :wide::tsquery is not null then a.exact end")]
    forward = [
        _Pool(mark, f"{words} && a.boosted", titled, "a.boosted") for words, mark, titled in places if form.ruled
    ]
    by_place = [
        pool
        for words, mark, titled in places
        for pool in (_Pool(mark, f"{words} && a.nearby", titled, "a.nearby"), _Pool(mark, words, titled))
    ]
    return _numbered([*at_once, *forward, *by_place])


def _numbered(pools: Sequence[_Pool]) -> str:
    return ", ".join(f"({n}, {', '.join(pool)})" for n, pool in enumerate(pools))
