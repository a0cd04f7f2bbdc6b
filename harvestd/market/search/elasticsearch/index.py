"""The index that products are found in: its fields, how their words are analysed, its names.

The words of a text are taken out of it here (``search/text.py``: lower case, without accents), as PostgreSQL's search does; what
the engine adds are stems and stop words, by its own analyser of the language. So a core without any serves with ``none``.

Fields hold words (``*_words``), with the sub-fields ``typed`` (without stop words, not stemmed: where typing errors are
looked for) and ``plain`` (every word: for suggestions), names as a whole (``*_key``), and values to filter, count and sort by.
"""

from __future__ import annotations

from typing import Any

import attrs

#: Of the mapping; indices of another are built anew.
FORMAT = 2
#: Analysers of Elasticsearch and OpenSearch by the name of the language, as PostgreSQL has it too, and its stop words.
LANGUAGES = {
    name: f"_{name}_"
    for name in (
        "arabic", "armenian", "basque", "bengali", "bulgarian", "catalan", "czech", "danish", "dutch", "english", "estonian",
        "finnish", "french", "galician", "german", "greek", "hindi", "hungarian", "indonesian", "irish", "italian", "latvian",
        "lithuanian", "norwegian", "persian", "portuguese", "romanian", "russian", "sorani", "spanish", "swedish", "turkish",
        "thai",
    )
}  # fmt: skip
#: Bytes that the engine takes as one value are at most 32,766; longer values are kept, and not found by.
LONGEST = 1_000


@attrs.frozen
class Names:
    """``alias`` is what is searched and written; ``building`` the index that is to replace it, while there is one."""

    prefix: str

    @property
    def alias(self) -> str:
        return f"{self.prefix}-products"

    @property
    def building(self) -> str:
        return f"{self.prefix}-building"

    def index(self, moment: str) -> str:
        """One index of them; ``moment`` makes it unlike any other."""
        return f"{self.alias}-{moment}"


def about(language: str) -> dict[str, Any]:
    """What an index says of itself; one that says otherwise was made by another version, or for another language."""
    return {"harvest_format": FORMAT, "harvest_language": language}


def template(names: Names, language: str) -> dict[str, Any]:
    """The index template, from which every index of these names is made."""
    return {
        "index_patterns": [f"{names.alias}-*"],
        "priority": 200,
        "template": {"settings": _settings(language), "mappings": _mappings(language)},
    }


def _settings(language: str) -> dict[str, Any]:
    analysis: dict[str, Any] = {"analyzer": {"typed": {"type": "standard"}, "stems": {"type": "standard"}}}
    if language in LANGUAGES:
        typed = {"type": "custom", "tokenizer": "standard", "filter": ["unwanted"]}
        analysis["filter"] = {"unwanted": {"type": "stop", "stopwords": LANGUAGES[language]}}
        analysis["analyzer"] = {"typed": typed, "stems": {"type": language}}
    return {
        "index": {"number_of_shards": 1, "auto_expand_replicas": "0-1", "refresh_interval": "500ms"},
        "analysis": analysis,
    }


def _mappings(language: str) -> dict[str, Any]:
    key = {"type": "keyword", "ignore_above": LONGEST}
    kept = {"type": "text", "index": False}
    words: dict[str, Any] = {
        "type": "text", "analyzer": "stems", "norms": False, "fields": {"typed": {"type": "text", "analyzer": "typed", "norms": False}},
    }  # fmt: skip
    found = {**words, "copy_to": ["words"]}
    plain = {"type": "text", "analyzer": "standard", "norms": False}
    name = {**found, "fields": {**words["fields"], "plain": plain}}
    return {
        "_meta": about(language),
        "dynamic": False,
        "properties": {
            "kind": key, "id": key, "version": {"type": "long"}, "removed": {"type": "boolean"}, "title": kept, "shown": kept, "farm_name": kept,
            "category_name": kept, "body": {"type": "object", "enabled": False},
            "words": words, "title_words": name, "label_words": found, "farm_words": name, "text_words": found,
            "title_key": key, "farm_key": key, "category_key": key,
            "category": key, "farm": key, "tags": key, "unit": key, "price": {"type": "long"},
            "in_stock": {"type": "boolean"}, "season": key, "season_from": key, "season_to": key,
            "popular": {"type": "float"}, "sales": {"type": "double"}, "rating": {"type": "float"}, "location": {"type": "geo_point"}, "fresh_at": {"type": "date"},
        },
    }  # fmt: skip
