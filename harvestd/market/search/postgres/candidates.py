"""Which hits are ranked: all of them or, of very many, the best :data:`RANKED` as far as an index can tell.

A common word is in a tenth of a market: to look at each document that has it takes a second in a market of a million. So ``first`` takes any
:data:`RANKED` hits; where there are no more, these are ranked. Otherwise ``steps`` are gone down until as many are found, each of them
one look into the index: first what has the query's words in its title, by how well it stands whatever is asked; then what has them elsewhere;
what is sold out comes last. What the rules put forward, and what is near, comes before the others. See ``keys.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.market.search.postgres.conditions import FACETS, documents
from harvestd.market.search.postgres.keys import ELSEWHERE, SOLD_OUT, STEPS, TITLED
from harvestd.market.search.postgres.scoring import Form

#: So many hits are ranked and counted, facets among them; the pages go on with the others. To count ten thousand takes longer than all the rest.
RANKED = 1_000

#: What a query of words is, in PostgreSQL's own form: ``meant`` as typed, with all ways to say it; ``words`` with typing errors, too; ``query``
#: finds by it or by the product's own number, which is no word that a text lacks when it is ranked, with the filters' keys; ``titled`` has the words
#: in its title.
_OF_WORDS = """
    select *, {query} as query, meant || code as exact,
           regexp_replace(words::text, '''([^'']+)''', '''=\\1''', 'g')::tsquery as titled from (
        select *, case when :wide::tsquery is null then meant else {wide} end as words
      from (select {meant} as meant, {title} as title, {phrase} as phrase, (:code)::tsquery as code, {keys} from {keyed}) a) b"""
#: Without words: whatever has the filters' keys, or everything.
_OF_FILTERS = """
    select *, coalesce(keys, '!''~none'''::tsquery) as query from (select {keys} from {keyed}) a"""
#: Filters are looked up by keys once all documents have been made anew with theirs.
_KEYED = "(select not exists (select from search_renewals where source = 'search') as keyed) k"

_STEPS = f"""
    select query from (
        {{first}}
        select (s.n = {STEPS})::int as late, p.n as pool, s.n as step, coalesce(p.query && s.standing, s.standing) as query
          from {{asked}} a, lateral (values {{pools}}) p(n, mark, query), generate_series(0, {STEPS}) as g(n),
               lateral (select g.n, quote_literal(case g.n when {STEPS} then '{SOLD_OUT}' else p.mark || g.n end)::tsquery as standing) s
         where (p.query is not null or p.n = {{last}}) and not (:in_stock::boolean and s.n = {STEPS})
    ) s order by late, pool, step"""
#: Before all steps: the number of something, and in a query with typing errors what has the words as they were typed.
_AT_ONCE = """select 0 as late, -2 as pool, 0 as step, code as query from asked where numnode(code) > 0
        union all select 0, -1, 0, exact from asked where :wide::tsquery is not null
        union all"""


def candidates(form: Form, others: Sequence[str]) -> str:
    """The common table expressions from ``asked`` to ``best``: the places (ctid) of what is ranked; ``whether`` has ``cut``, whether there are more hits."""
    hits = f"select d.ctid as at from {documents(match(form))}"
    step = f"select d.ctid as at from {documents('d.lexemes @@ s.query')} offset 0"
    pins = documents("d.kind = 'product' and d.id = any(:pins::uuid[])")
    pinned = f"select d.ctid as at from {pins} union all " if form.words and form.ruled else ""
    return f"""asked as materialized ({_asked(form, others)}
), first as materialized ({hits} limit {RANKED}
), whether as materialized (select count(*) >= {RANKED} as cut from first
), steps as materialized ({_steps(form)}
), best as materialized (
    select at from first where not (select cut from whether)
    union all select distinct at from (select at from (
        {pinned}select f.at from steps s, lateral ({step}) f
        union all select at from first) u limit {RANKED}) c where (select cut from whether)
)"""


def match(form: Form) -> str:
    """The condition on a hit that the index answers; nothing if everything is one."""
    if not form.words:
        return "d.lexemes @@ (select query from asked)" if form.keyed else ""
    if form.ruled:
        return "(d.lexemes @@ (select query from asked) or (d.kind = 'product' and d.id = any(:pins::uuid[])))"
    return "d.lexemes @@ (select query from asked)"


def _asked(form: Form, others: Sequence[str]) -> str:
    """What is asked for, and by which keys it is looked up: null where there is none."""
    names = [
        "keys",
        "nearby",
        *(["boosted"] if form.ruled else []),
        *(f"beside_{name}" for name in FACETS if form.beside),
    ]
    keys = ", ".join(f"case when k.keyed then nullif(:{name}::text, '')::tsquery end as {name}" for name in names)
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


def _steps(form: Form) -> str:
    """Each pool of documents with each standing, in the order in which they are looked up: what the rules put forward, what is near, all."""
    typed = f"case when :wide::tsquery is null then '{TITLED}' else '{ELSEWHERE}' end"  # what may have been meant has no points for a short title
    words = {"a.titled": typed, "a.words": f"'{ELSEWHERE}'"} if form.words else {"": f"'{ELSEWHERE}'"}
    forward = [(mark, _with(one, "a.boosted")) for one, mark in words.items()] if form.ruled else []
    pools = [
        *forward,
        *((mark, pool) for one, mark in words.items() for pool in (_with(one, "a.nearby"), one or "a.keys")),
    ]
    numbered = ", ".join(f"({n}, {mark}, coalesce(({pool}) && a.keys, {pool}))" for n, (mark, pool) in enumerate(pools))
    first, asked = (_AT_ONCE, "(select * from asked where numnode(words) > 0)") if form.words else ("", "asked")
    return _STEPS.format(first=first, asked=asked, pools=numbered, last=len(pools) - 1)


def _with(words: str, keys: str) -> str:
    return f"{words} && {keys}" if words else keys
