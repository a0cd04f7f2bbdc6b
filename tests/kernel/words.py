"""What each catalogue of ``harvestd/kernel/words`` has to have, read from the code; and ``make words``, which writes it there.

    python -m tests.kernel.words [tag …]

puts every text that the code has and a catalogue lacks into it, without words, and takes out what the code no longer has. A tag without
a catalogue gets one. Translators then fill in what is empty, with any editor of gettext catalogues.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import attrs
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from harvestd.kernel.catalogues import WORDS
from harvestd.kernel.codes import CODES
from harvestd.kernel.formatting import COUNTED
from harvestd.kernel.units import UNITS
from harvestd.market.days.day_rules import STATUSES as DAY_STATUSES
from harvestd.market.notifications.texts import texts
from harvestd.market.orders.fulfilment import STEPS as ORDER_STEPS
from harvestd.web.pages.people import TEXTS
from harvestd.web.problems import PROBLEMS
from harvestd.web.type_descriptions import _JSON_TYPES

FOLDER = Path(__file__).parents[2] / "harvestd" / "kernel" / "words"
HEAD = """\
# What the market says, in the language {tag}. The msgctxt of an entry is its kind: harvestd/kernel/catalogues.py.
#
# Names in braces are replaced by values, which are formatted as the language writes them; a translation has the same names as the English text.
#"""


@attrs.frozen
class Entry:
    """A text that each language has: its kind, its ``msgid`` (with ``plural`` that of more than one), and what helps to translate it."""

    kind: str
    id: str
    plural: str = ""
    comment: str = ""


def wanted() -> Iterator[Entry]:
    """Every text, in the order of a catalogue."""
    from tests.kernel.test_languages import cases
    from tests.kernel.test_sentences import ELSEWHERE_SAID, sentences

    yield from (Entry("title", title) for title in dict.fromkeys(problem.title for problem in PROBLEMS))
    yield from (Entry("message", code, comment=_meaning(code)) for code in CODES)
    for code in CODES:
        known = cases().get(code, set()).union(*(words.reason.get(code, {}) for words in WORDS.values()))
        yield from (Entry("reason", f"{code}/{key}", comment=_meaning(code)) for key in sorted(known))
    yield from (Entry("unit", unit, plural=COUNTED[unit][1] or unit) for unit in UNITS if unit in COUNTED)
    yield from (Entry("type", name) for name in dict.fromkeys(_JSON_TYPES.values()))
    yield from (Entry("status", name) for name in dict.fromkeys((*ORDER_STEPS, *DAY_STATUSES)))
    yield from (Entry("sentence", english) for english in sorted(sentences() | ELSEWHERE_SAID, key=str.lower))
    yield from (Entry("mail", english) for english in dict.fromkeys(texts()))
    yield from (Entry("page", english) for english in dict.fromkeys(TEXTS.values()))


def _meaning(code: str) -> str:
    row = CODES[code]
    names = [*(f"{{{name}}}" for name in row.params), *(f"{{{name}}}, where it applies" for name in row.more)]
    return f"{row.meaning} Values: {'; '.join(names)}." if names else row.meaning


def renewed(tag: str, had: Catalog) -> bytes:
    """The catalogue with all that the code has, and nothing else."""
    made = Catalog(
        locale=tag.replace("-", "_"), header_comment=HEAD.format(tag=tag), project="harvestd", version="1", fuzzy=False,
        copyright_holder="", msgid_bugs_address="",
    )  # fmt: skip
    for entry in wanted():
        old = had.get(entry.id, entry.kind)
        key = (entry.id, entry.plural) if entry.plural else entry.id
        string = old.string if old is not None and isinstance(old.id, tuple) == bool(entry.plural) else ""
        flags = old.flags & {"fuzzy"} if old is not None else ()
        comments = list(filter(None, [entry.comment]))
        made.add(
            key,
            string,
            context=entry.kind,
            auto_comments=comments,
            flags=flags,
            user_comments=old.user_comments if old else (),
        )
    stream = BytesIO()
    write_po(stream, made, width=140)
    lines = stream.getvalue().split(b"\n")
    return b"\n".join(line for line in lines if not line.startswith(_VOLATILE))


#: What would change with each writing, and says nothing here.
_VOLATILE = tuple(f'"{name}:'.encode() for name in (
    "POT-Creation-Date", "PO-Revision-Date", "Last-Translator", "Report-Msgid-Bugs-To", "Generated-By", "Language-Team", "Project-Id-Version",
))  # fmt: skip


def main(tags: list[str]) -> None:
    """Write the catalogues, and say what each lacks."""
    for tag in dict.fromkeys([*sorted(WORDS), *tags]):
        path = FOLDER / f"{tag}.po"
        text = path.read_text("utf-8") if path.exists() else ""
        had = read_po(text.split("\n"), locale=tag.replace("-", "_")) if text else Catalog()
        path.write_bytes(renewed(tag, had))
        lacking = [
            entry
            for entry in read_po(path.read_text("utf-8").split("\n"))
            if entry.id and (entry.fuzzy or not _worded(entry.string))
        ]
        print(f"{tag}: {len(list(wanted()))} texts, {len(lacking)} without words")


def _worded(string: str | tuple[str, ...]) -> bool:
    return all(string) if isinstance(string, tuple) else bool(string)


if __name__ == "__main__":
    main(sys.argv[1:])
