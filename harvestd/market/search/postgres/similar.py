"""Words that a word of a query may be a mistyped form of."""

from __future__ import annotations

from harvestd.store.postgres.statements import Statement

#: For each query word: its own stem if any document has it, and the stems of the words that share most trigrams with it, as
#: candidates for typo tolerance. ``known`` is whether the row is the word's own; its stem is null for a stop word.
SIMILAR = Statement(
    "search.similar",
    """select a.word, true as known, s.lexeme, a.word
         from unnest(:words::text[]) as a(word), lateral (select (tsvector_to_array(to_tsvector(:language::regconfig, a.word)))[1]
              as lexeme) s
        where s.lexeme is null or exists (select from search_words w where w.lexeme = s.lexeme)
       union all
       select a.word, false, n.lexeme, n.word
         from unnest(:words::text[], :grams::text[], :allowed::int[]) as a(word, trigrams, allowed), lateral (
              select w.word, w.lexeme from search_words w
               where w.trigrams && string_to_array(a.trigrams, '|') and w.lexeme is not null
                 and length(w.word) between length(a.word) - a.allowed and length(a.word) + a.allowed
               order by (select count(*) from unnest(w.trigrams) t where t = any(string_to_array(a.trigrams, '|'))) desc,
                        w.word
               limit 40) n
        where a.allowed > 0""",
    lambda word, known, lexeme, other: (word, known, lexeme, other),
    heavy=True,
)
