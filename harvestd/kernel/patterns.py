"""The regular expressions for user text. None backtracks catastrophically: each runs in time linear in its text (no ReDoS).

One thread serves everyone, so a backtracking pattern stops the market. Rules that keep a pattern linear: no nested
repetition unless the two cannot match the same character; a pattern for search (not match) begins with something that it does
not repeat, or is bounded by ``{,n}``. Also: ``\\Z`` or ``fullmatch`` for the end, since ``$`` also matches before a line feed;
``re.ASCII`` where digits or case are meant in ASCII. tests/test_patterns.py finds every pattern of the package, here and
elsewhere, and runs its worst cases.
"""

from __future__ import annotations

import re

#: Line ends other than LF: CR LF, CR, NEL, vertical tab, form feed, line and paragraph separator.
LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
#: Characters that no text may have: C0 and C1 controls but tab and line feed, lone surrogates, noncharacters.
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(chr(plane + 0xFFFE) + chr(plane + 0xFFFF) for plane in range(0x10000, 0x110000, 0x10000))
    + "]"
)
#: Invisible characters: Default_Ignorable_Code_Point of Unicode 15 (DerivedCoreProperties.txt), and U+FFF9 to U+FFFB.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
#: A run long enough to have more combining marks than any text needs.
LONG_RUN = re.compile("[\u0300-\U0010ffff]{31}")
#: A run of characters not allowed in a slug.
NOT_SLUG = re.compile(r"[^a-z0-9]+")
#: A slug.
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
#: A UUID in canonical form.
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
#: A user name, 3 to 40 characters.
USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,38}[A-Za-z0-9]")
#: A phone number without separators; at most the length of E.164.
PHONE = re.compile(r"\+?[0-9]{5,15}")
#: The beginning of an international number, with the zero of national calls in parentheses: ``+49 (0)171``, ``0044 (020)``.
TRUNK = re.compile(r"((?:\+|00) ?)([1-9][0-9]{0,2})[ ./-]*\(0([0-9]*)\)")
#: A run of characters not allowed in our file names and Message-IDs.
NOT_FILE_NAME = re.compile(r"[^A-Za-z0-9_-]+")
#: What mail programs make a link of: a scheme, or the name of a host.
LINK = re.compile(r"://|[^\W_]\.[A-Za-z]{2,24}(?![^\W_])")
#: A word of a search: letters and digits of any script.
WORD = re.compile(r"[^\W_]+")
