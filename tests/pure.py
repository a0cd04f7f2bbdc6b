"""Which modules decide: the kernel, and of each subject what is named here. And the tests that need nothing else."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "harvestd"
#: What a subject's modules that decide are called, or end in after an underscore.
DECIDING = {
    "rules", "order", "placing", "on_sale", "product_events", "fulfilment", "stepping", "messages", "wording", "copied", "selling",
    "buyers", "line_wishes", "amounts", "shares",
}  # fmt: skip
#: Tables of boundary cases of several modules.
TABLES = ("market/test_limits.py", "market/catalogue/test_prices.py")


def modules() -> list[Path]:
    """Their files."""
    subjects = (
        path
        for path in (PACKAGE / "market").glob("*/*.py")
        if path.stem.rpartition("_")[2] in DECIDING or path.stem in DECIDING
    )
    return sorted([*(PACKAGE / "kernel").glob("*.py"), *subjects])


def tests() -> list[Path]:
    """Of all of them."""
    folder = ROOT / "tests"
    mirrors = (folder / path.relative_to(PACKAGE).with_name(f"test_{path.name}") for path in modules())
    found = {*(folder / "kernel").glob("test_*.py"), *(path for path in mirrors if path.exists())}
    return sorted(found | {folder / name for name in TABLES})
