"""Password rules: the passwords that are refused, and the normal form in which they are compared.

After NIST SP 800-63B, 5.1.1.2: a minimum length and a blocklist of common passwords; no composition rules. Attackers try blocklisted
words with a prefix or suffix, with digits for letters, or doubled; and names related to the person and the market. So a password is
compared after stripping all of that. https://pages.nist.gov/800-63-3/sp800-63b.html#memsecret
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterable, Iterator
from itertools import groupby, pairwise

from harvestd.kernel.errors import FieldError

LONGEST = 1024
#: Up to this many characters around one common word add no strength to speak of: a year, a date, an exclamation mark.
_TRIMMINGS = 8
#: The minimum number of letters left after a person's own words are removed.
_LEFT = 4
#: Characters of a name that are considered.
_MAX_NAME = 256
#: Words of fewer letters, the person's own or common ones, are ignored, as they occur in everything.
_WORD = 3
_LEET = (str.maketrans("013457892@$!|€+", "oieastbgzasilet"), str.maketrans("013457892@$!|€+", "oleastbgzasllet"))


def fault(password: str, least: int, common: Container[str], own: Iterable[str]) -> FieldError | None:
    """Validate a password of ``least`` to 1,024 characters, any Unicode; returns its fault. ``common`` has lower-case words, ``own``
    the names of the person and the market, including addresses and names of several words."""
    if len(password) < least:
        message = f"must have at least {least} characters, such as a few words together"
        return FieldError("password", message, code="too-short", params={"minimum": str(least)})
    if len(password) > LONGEST or len(normal(password)) > LONGEST:  # some characters expand to eighteen
        message = f"must have at most {LONGEST} characters"
        return FieldError("password", message, code="too-long", params={"maximum": str(LONGEST)})
    if "\0" in password:  # JSON bodies refuse it everywhere; set from elsewhere, it could never be sent
        return FieldError("password", "has a NUL character; remove it", code="control-character")
    if _guessable(normal(password).lower(), common, _words(own)):
        message = "is too easy to guess; choose another, such as a few words together"
        return FieldError("password", message, code="common-password")
    return None


def normal(password: str) -> str:
    """The normal form of the ways a keyboard may encode the same characters (NFKC, as in RFC 8265)."""
    return unicodedata.normalize("NFKC", password)


def _guessable(plain: str, common: Container[str], own: list[str]) -> bool:
    if plain in common or _trivial(plain):
        return True
    unit = _unit(plain)
    if unit != plain:
        return len(unit) < _TRIMMINGS or _guessable(unit, common, own)
    return any(_one_word(form, common) or _own_words(form, own) for form in _forms(plain))


def _forms(plain: str) -> Iterator[str]:
    """The password as it is, and with digits and signs read as letters, leaving possible trimmings unchanged."""
    yield plain
    end = len(plain.rstrip("0123456789!?.,*#-_"))
    start = len(plain) - len(plain.lstrip("0123456789!?.,*#-_"))
    for table in _LEET:
        yield plain.translate(table)
        yield plain[:end].translate(table) + plain[end:]
        yield plain[:start] + plain[start:end].translate(table) + plain[end:]


def _one_word(form: str, common: Container[str]) -> bool:
    """Whether the password is one common word with trimmings."""
    letters, rest = _split(form)
    return len(letters) == 1 and len(letters[0]) > _WORD and letters[0] in common and _little(rest, common)


def _own_words(form: str, own: list[str]) -> bool:
    """Whether hardly anything is left without the words that others know about the person."""
    left = form
    for word in own:
        left = left.replace(word, " ")
    letters, rest = _split(left)
    return left != form and sum(map(len, letters)) < _LEFT and len(rest) <= _TRIMMINGS


def _little(rest: str, common: Container[str]) -> bool:
    return len(rest) <= _TRIMMINGS or rest in common or _trivial(rest)


def _trivial(text: str) -> bool:
    """Whether it has at most two distinct characters, or runs up or down the alphabet or the digits."""
    steps = {(ord(b) - ord(a)) % 10 if a.isdigit() and b.isdigit() else ord(b) - ord(a) for a, b in pairwise(text)}
    return len(set(text)) <= 2 or steps <= {1} or steps <= {-1} or steps <= {9}


def _unit(text: str) -> str:
    """The shortest string that the text repeats."""
    length = (text + text).index(text, 1)
    return text[:length] if len(text) % length == 0 else text


def _split(text: str) -> tuple[list[str], str]:
    """The text's runs of letters, and the rest without blanks."""
    runs = [(alpha, "".join(run)) for alpha, run in groupby(text, str.isalpha)]
    return [run for alpha, run in runs if alpha], "".join("".join(run for alpha, run in runs if not alpha).split())


def _words(own: Iterable[str]) -> list[str]:
    """Each name as it is, and its words, the longest first."""
    found = set()
    for name in own:
        plain = normal(name[:_MAX_NAME]).lower()
        found |= {plain, "".join(_split(plain)[0]), *_split(plain)[0]}
    return sorted((word for word in found if len(word) >= _WORD), key=len, reverse=True)
