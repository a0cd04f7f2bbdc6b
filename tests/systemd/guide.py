"""The commands of docs/install.md: ``python -m tests.systemd.guide`` prints the ``sh`` blocks as one script."""

from __future__ import annotations

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "install.md"


def blocks() -> list[str]:
    """What is to be typed, block by block, in order."""
    return re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.M | re.S)


def consoles() -> list[str]:
    """Commands for another day, whose lines begin with ``#``; continued lines do not."""
    found = re.findall(r"^```console\n(.*?)^```", GUIDE.read_text(), re.M | re.S)
    return [re.sub(r"^# ", "", text, flags=re.M) for text in found]


if __name__ == "__main__":
    print("\n".join(blocks()))
