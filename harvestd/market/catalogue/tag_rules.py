"""The tags of a product: how many and how long, and the form in which they are stored and asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import clean_name

MAX_TAGS, MAX_TAG_LENGTH = 20, 40


def tag(field: str, text: str) -> str | FieldError:
    """A tag in its stored form, case-folded, which filters use too; or its fault."""
    found = clean_name(field, text, MAX_TAG_LENGTH)
    return found if isinstance(found, FieldError) else clean_name(field, found.casefold(), MAX_TAG_LENGTH)


def tag_asked(text: str) -> str:
    """The tag that a filter asks for, in its stored form; an invalid one is left unchanged, and matches nothing."""
    found = tag("tag", text)
    return text if isinstance(found, FieldError) else found


def tag_faults(given: Mapping[int, str]) -> list[FieldError]:
    """Faults in the given tags, by their positions in the list."""
    found = (tag(f"tags[{i}]", text) for i, text in given.items())
    return [fault for fault in found if isinstance(fault, FieldError)]


def tags(given: Sequence[str]) -> list[str | FieldError]:
    """The tags in their stored form, or their faults, one for each; and the fault of a list that is too long."""
    found = [tag(f"tags[{i}]", text) for i, text in enumerate(given[: MAX_TAGS + 1])]
    if len(given) > MAX_TAGS:
        most = str(MAX_TAGS)
        found.append(
            FieldError(
                "tags",
                f"must have at most {most} tags",
                code="too-long",
                params={"maximum": most, "reason": "elements"},
            )
        )
    return found
