"""Writes the examples of the contract as a market with the demo's data gives them: ``python -m tests.openapi.record``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import harvestd.web.pages
from tests.openapi.conftest import started
from tests.openapi.walk import example, shape, walk

EXAMPLES = Path(harvestd.web.pages.__file__).parent / "examples.json"


def main() -> int:
    """Answers an exit code."""
    with started() as market:
        done = list(walk(market.port, market.document, market.password, market.mails))
    wrong = [f"{one.step.operation}: {one.status} {one.answer}" for one in done if one.status >= 400]
    if wrong:
        print(*wrong, sep="\n", file=sys.stderr)
        return 1
    found = {one.step.operation: example(one) for one in done}
    known = json.loads(EXAMPLES.read_text("utf-8"))
    # what has the same names and kinds stays as it is: ids and times are others each time
    found = {name: known[name] if shape(known.get(name)) == shape(one) else one for name, one in found.items()}
    text = json.dumps({name: one for name, one in found.items() if one}, indent=1, ensure_ascii=False)
    EXAMPLES.write_text(text + "\n", "utf-8")
    print(f"{len(found)} examples are in {EXAMPLES}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
