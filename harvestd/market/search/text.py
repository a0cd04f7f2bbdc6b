"""Text handling of search, without a database: words, trigrams, typos, highlights, price brackets.

A word is a run of letters and digits, in lower case and without accents, on both sides of every comparison; so no
character has a special meaning in a query.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence

#: Limits of a query: its words, the letters of each, and its characters; and the words of a text.
QUERY_WORDS, WORD_LETTERS, QUERY_CHARACTERS, TEXT_WORDS = 12, 40, 1_000, 400
#: The longest number of something, and how its lexeme begins: as no word does.
CODE_CHARACTERS, CODE = 64, "#"
#: A longer text is shown as an excerpt of this many characters around its first match.
FRAGMENT = 160

#: The lower bounds of the price facet's brackets, in minor units.
PRICE_EDGES = (0, 200, 500, 1_000, 2_000, 5_000, 10_000)

_WORD = re.compile(r"[^\W_]+")
#: Every character that people type as an apostrophe.
_ONE = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u02bc\u02bb\u00b4\u0060\u2032\uff07", "'"))
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
#: Articles and prepositions that are elided before a vowel in French, Italian and Catalan: not part of the following word.
_ELIDED = re.compile(
    r"(?<!\w)(?:l|d|un|qu|jusqu|lorsqu|puisqu|quoiqu|gl|agl|dagl|degl|negl|sugl|all|coll|dall|dell|nell|pell|sull|quell|quest|sant)"
    r"'(?=[^\W_])"
)
#: Letters that have no Unicode decomposition.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})


def words(text: str, most: int = TEXT_WORDS) -> list[str]:
    """The first ``most`` words of a text, in order."""
    found = []
    for match in _WORD.finditer(plain(text)):
        found.append(match.group()[:WORD_LETTERS])
        if len(found) == most:
            break
    return found


def plain(text: str) -> str:
    """The text in lower case, without accents, elided articles or apostrophes within words."""
    if text.isascii():
        return _APOSTROPHE.sub("", _ELIDED.sub("", text.translate(_ONE).lower()))
    whole = unicodedata.normalize("NFKD", text.translate(_ONE)).casefold()
    apart = unicodedata.normalize("NFKD", whole)  # case folding composes some characters again
    letters = "".join(c for c in apart if not unicodedata.combining(c)).translate(_LETTERS)
    return _APOSTROPHE.sub("", _ELIDED.sub("", letters))


def storable(text: str) -> str:
    """The text without characters that PostgreSQL cannot store: NUL and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def name_key(name: str) -> str:
    """A name in the form used for prefix lookup."""
    return " ".join(words(name))


def asked(text: str) -> list[str]:
    """The distinct words of a query."""
    return list(dict.fromkeys(words(text[:QUERY_CHARACTERS], QUERY_WORDS)))


def code_of(text: str) -> str:
    """A text as the number of something: its letters and digits alone, or nothing."""
    return "".join(words(text[:CODE_CHARACTERS], QUERY_WORDS))


def is_number(text: str) -> bool:
    """Whether a query is the number of something, which is meant as it is: one piece with a digit in it, or digits in several."""
    return any(map(str.isdigit, text)) and (len(text.split()) == 1 or not any(map(str.isalpha, text)))


def trigrams(word: str) -> list[str]:
    """The distinct trigrams of a word, padded with two blanks before and one after, as in pg_trgm."""
    padded = f"  {word} "
    return sorted({padded[i : i + 3] for i in range(len(word) + 1)})


def errors_allowed(word: str) -> int:
    """How many typos a word may have: none up to 2 letters, one up to 5, else two (as Elasticsearch's AUTO); none with a digit: another number is another
    thing."""
    return 0 if len(word) < 3 or any(map(str.isdigit, word)) else 1 if len(word) < 6 else 2


def errors(a: str, b: str) -> int:
    """The edit distance of two words: letters deleted, inserted, substituted, or swapped with their neighbour (optimal
    string alignment)."""
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
    """The text as HTML with its matched words in ``<em>``, or an excerpt around the first match; None if there is none."""
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
    """Each word of a text in place: its start, its end, and its normalised form."""
    whole = text.translate(_ONE)  # the same length as the text
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
    """``"<from>-<to>"``, both inclusive, as ``min_price`` and ``max_price`` take them; the last is ``"<from>-"``."""
    return f"{PRICE_EDGES[index]}-" + (str(PRICE_EDGES[index + 1] - 1) if index + 1 < len(PRICE_EDGES) else "")


def nearest(word: str, candidates: Sequence[tuple[str, str]], most: int = 8) -> list[str]:
    """The lexemes of the candidates (word, lexeme) that ``word`` may be a mistyped form of, the nearest first."""
    allowed = errors_allowed(word)
    near = sorted((errors(word, other), other, lexeme) for other, lexeme in candidates)
    return list(dict.fromkeys(lexeme for distance, _, lexeme in near if distance <= allowed))[:most]
