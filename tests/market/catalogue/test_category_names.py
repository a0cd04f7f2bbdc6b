"""Which categories a name means: the table of them."""

from __future__ import annotations

import pytest

from harvestd.market.catalogue.category_names import Name, meant

APPLES, PEARS, BREAD, PAIN = (str(number) for number in range(4))


@pytest.mark.parametrize(
    ("names", "language", "ids"),
    [
        ([], "", []),
        ([("apfel", APPLES, "", "Apfel")], "fr", [APPLES]),
        ([("apfel", APPLES, "", "Apfel"), ("apfel", PEARS, "", "APFEL")], "", [APPLES, PEARS]),
        ([("apfel", APPLES, "", "Apfel"), ("apfel", PEARS, "", "Äpfel")], "", [APPLES]),
        ([("äpfel", APPLES, "", "Apfel"), ("äpfel", PEARS, "", "Äpfel")], "", [PEARS]),
        ([("apfel", PEARS, "", "Äpfel")], "", [PEARS]),
        ([("pain", BREAD, "fr", "Pain"), ("pain", PAIN, "en", "Pain")], "fr", [BREAD]),
        ([("pain", BREAD, "fr", "Pain"), ("pain", PAIN, "en", "Pain")], "en", [PAIN]),
        ([("pain", BREAD, "fr", "Pain"), ("pain", PAIN, "en", "Pain")], "", [BREAD, PAIN]),
        ([("strasse", BREAD, "", "Straße"), ("strasse", BREAD, "en", "Strasse")], "", [BREAD]),
    ],
)
def test_a_name_means(names: list[tuple[str, str, str, str]], language: str, ids: list[str]) -> None:
    """As it is spelt before other accents, in the reader's language before others, and all that are called so."""
    assert meant([Name(*one) for one in names], language) == ids
