"""What search knows of text, without a database: words, trigrams, typing errors, highlights, price brackets.

A word is a run of letters and digits, in lower case and without accents, on both sides of every comparison; so there is no
character that means anything in a query.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence

#: Of a question, so many words of so many letters out of so many characters are looked at; of a text, so many words.
QUERY_WORDS, WORD_LETTERS, QUERY_CHARACTERS, TEXT_WORDS = 12, 40, 1_000, 400
#: A longer text is shown in part, so many characters round its first match.
FRAGMENT = 160

#: Where the brackets of the price facet begin, in minor units.
PRICE_EDGES = (0, 200, 500, 1_000, 2_000, 5_000, 10_000)

_WORD = re.compile(r"[^\W_]+")
#: Every character that people type for an apostrophe is one.
_ONE = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u02bc\u02bb\u00b4\u0060\u2032\uff07", "'"))
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
#: Articles and prepositions that lose their vowel before another, in French, Italian and Catalan: no part of the word after them.
_ELIDED = re.compile(
    r"(?<!\w)(?:l|d|un|qu|jusqu|lorsqu|puisqu|quoiqu|gl|agl|dagl|degl|negl|sugl|all|coll|dall|dell|nell|pell|sull|quell|quest|sant)"
    r"'(?=[^\W_])"
)
#: Letters that no decomposition takes apart.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})


def words(text: str, most: int = TEXT_WORDS) -> list[str]:
    """The first ``most`` words of a text, in their order."""
    found = []
    for match in _WORD.finditer(plain(text)):
        found.append(match.group()[:WORD_LETTERS])
        if len(found) == most:
            break
    return found


def plain(text: str) -> str:
    """In lower case, without accents, elided articles or apostrophes within words."""
    if text.isascii():
        return _APOSTROPHE.sub("", _ELIDED.sub("", text.translate(_ONE).lower()))
    whole = unicodedata.normalize("NFKD", text.translate(_ONE)).casefold()
    apart = unicodedata.normalize("NFKD", whole)  # folding composes some again
    letters = "".join(c for c in apart if not unicodedata.combining(c)).translate(_LETTERS)
    return _APOSTROPHE.sub("", _ELIDED.sub("", letters))


def storable(text: str) -> str:
    """Without what PostgreSQL cannot hold: NUL, and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def name_key(name: str) -> str:
    """A name as prefixes of it are looked up."""
    return " ".join(words(name))


def asked(text: str) -> list[str]:
    """The words of a question, each once."""
    return list(dict.fromkeys(words(text[:QUERY_CHARACTERS], QUERY_WORDS)))


def trigrams(word: str) -> list[str]:
    """The distinct runs of three characters of a word with two blanks before and one after, as pg_trgm has it."""
    padded = f"  {word} "
    return sorted({padded[i : i + 3] for i in range(len(word) + 1)})


def errors_allowed(word: str) -> int:
    """How many typing errors a word may have: none up to 2 letters, one up to 5, else two (as Elasticsearch's AUTO)."""
    return 0 if len(word) < 3 else 1 if len(word) < 6 else 2


def errors(a: str, b: str) -> int:
    """Typing errors between two words: letters left out, added, changed, or swapped with their neighbour (the optimal
    string alignment distance)."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        two_before, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                least = min(least, two_before[j - 2] + 1)
            row.append(least)
    return row[-1]


def highlight(text: str, matched: Collection[str], fragment: int | None = FRAGMENT) -> str | None:
    """The text as HTML with its matched words in ``<em>``, or the part round the first of them; None if it has none."""
    found = [span for span in spans(text) if span[2] in matched]
    if not found:
        return None
    start, end = _part(text, found[0][0], fragment)
    pieces, at = ["…" if start else ""], start
    for first, last, _ in found:
        if last <= end:
            pieces += [html.escape(text[at:first]), "<em>", html.escape(text[first:last]), "</em>"]
            at = last
    return "".join([*pieces, html.escape(text[at:end]), "…" if end < len(text) else ""])


def spans(text: str) -> Iterable[tuple[int, int, str]]:
    """Each word of a text as it stands: where it begins, where it ends, and the word that it is compared as."""
    whole = text.translate(_ONE)  # as long as the text
    for match in re.finditer(r"[\w\u0300-\u036f]+(?:'[\w\u0300-\u036f]+)*", whole):
        for piece in re.finditer(r"[^_]+", match.group()):
            article = _ELIDED.match(piece.group().lower())
            first = match.start() + piece.start() + (article.end() if article else 0)
            last = match.start() + piece.end()
            yield first, last, plain(text[first:last])[:WORD_LETTERS]


def _part(text: str, match: int, fragment: int | None) -> tuple[int, int]:
    if fragment is None or len(text) <= fragment:
        return 0, len(text)
    start = max(0, match - fragment // 3)
    while start > 0 and not text[start - 1].isspace() and start > match - fragment // 2:
        start -= 1
    end = min(len(text), start + fragment)
    while end < len(text) and end > match + fragment // 2 and not text[end].isspace():
        end -= 1
    return start, end


def bracket_name(index: int) -> str:
    """``"<from>-<to>"``, both included, as ``min_price`` and ``max_price`` take them; the last is ``"<from>-"``."""
    return f"{PRICE_EDGES[index]}-" + (str(PRICE_EDGES[index + 1] - 1) if index + 1 < len(PRICE_EDGES) else "")


def nearest(word: str, candidates: Sequence[tuple[str, str]], most: int = 8) -> list[str]:
    """The lexemes of those candidates (word, lexeme) that ``word`` may be a mistyped form of, the nearest first."""
    allowed = errors_allowed(word)
    near = sorted((errors(word, other), other, lexeme) for other, lexeme in candidates)
    return list(dict.fromkeys(lexeme for distance, _, lexeme in near if distance <= allowed))[:most]
