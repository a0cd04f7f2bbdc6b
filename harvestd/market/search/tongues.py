"""How texts in the market's other languages are analysed, in both engines. Pure.

What is in the market's own language is analysed by the setting ``search_language``; translations by that, too, so that typing errors are found in
them and whoever asks in another language finds them by the words as they stand, and by their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: By tag: the text search configuration of PostgreSQL, and the analyser of Elasticsearch and OpenSearch, which have the same names.
ANALYSED = {
    "da": "danish", "de": "german", "en": "english", "es": "spanish", "fi": "finnish", "fr": "french", "hu": "hungarian", "it": "italian",
    "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish", "tr": "turkish",
}  # fmt: skip
#: Words as they are.
PLAIN = "simple"


def others(languages: Sequence[str], own: str) -> Mapping[str, str]:
    """The analysis of each of the market's ``languages`` but the first; where its ``own`` takes words as they are, so do all."""
    return {tag: PLAIN if own in ("none", PLAIN) else ANALYSED.get(tag, PLAIN) for tag in languages[1:]}
