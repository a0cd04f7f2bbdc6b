"""Which languages there are, without reading their words: settings need no more."""

from __future__ import annotations

from importlib.resources import files

ENGLISH = "en"
#: The folder of the catalogues, one ``<tag>.po`` for each language but English.
FOLDER = files("harvestd.kernel") / "words"
#: Their BCP 47 tags.
TAGS: tuple[str, ...] = tuple(
    sorted(file.name.removesuffix(".po") for file in FOLDER.iterdir() if file.name.endswith(".po"))
)
#: The languages that a market can be configured for.
LANGUAGES: tuple[str, ...] = (ENGLISH, *TAGS)
