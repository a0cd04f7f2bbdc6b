"""What other systems keep with a thing of ours: their own id of it, and what they note. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import clean_name, clean_text, one_line

MAX_ID, MAX_KEYS, MAX_KEY, MAX_VALUE = 64, 50, 40, 500
_ID = re.compile(r"[!-~]{1,64}")


def external_id(field: str, text: str | None) -> str | FieldError | None:
    """A caller's own id: 1 to 64 visible ASCII characters; or its fault. None stays None."""
    if text is None or _ID.fullmatch(text):
        return text
    message = f"must be 1 to {MAX_ID} visible ASCII characters, without spaces"
    return FieldError(field, message, code="not-accepted", params={"reason": "external-id"})


def metadata(field: str, given: Mapping[str, str]) -> tuple[dict[str, str], list[FieldError]]:
    """Notes that are kept and returned and never read: at most 50, keys of at most 40 characters, values of at most 500; and their
    faults, each named after its key."""
    if len(given) > MAX_KEYS:
        params = {"maximum": str(MAX_KEYS), "reason": "elements"}
        return {}, [FieldError(field, f"must have at most {MAX_KEYS} keys", code="too-long", params=params)]
    kept: dict[str, str] = {}
    wrong: list[FieldError] = []
    for key, value in given.items():
        path = f"{field}.{one_line(key[: 4 * MAX_KEY])[:MAX_KEY]}"
        name, text = clean_name(path, key, MAX_KEY), clean_text(path, value, MAX_VALUE)
        if isinstance(name, FieldError) and name.code == "too-long":
            params = {"maximum": str(MAX_KEY), "reason": "key"}
            name = FieldError(path, f"is a key of more than {MAX_KEY} characters", code="too-long", params=params)
        wrong += [fault for fault in (name, text) if isinstance(fault, FieldError)]
        if isinstance(name, str) and name in kept:
            message = f"has the key {name!r} twice, once it is trimmed; keep one of the two"
            wrong.append(FieldError(field, message, code="given-twice", params={"reason": "key"}))
        elif isinstance(name, str) and isinstance(text, str):
            kept[name] = text
    return kept, list(dict.fromkeys(wrong))
