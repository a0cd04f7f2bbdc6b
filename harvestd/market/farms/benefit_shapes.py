"""Benefit programmes that a farm takes, and the filter by them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from harvestd.market.farms.benefit_rules import BENEFITS, Benefit
from harvestd.web.vocabulary import closed

_BENEFITS = closed(
    "Benefit",
    BENEFITS,
    "Benefit programmes of the USDA: `snap` (EBT), `wic` (cash value benefits), `wic_fmnp` and `senior_fmnp` (Farmers' Market "
    "Nutrition Programs), `incentives` (what doubles such payments).",
)
BenefitOut = Annotated[str, _BENEFITS]
Benefits = Annotated[list[Annotated[Benefit, _BENEFITS]], Meta(max_length=len(BENEFITS))]

#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "benefits": "The benefit programmes that the farm takes as payment.",
    "benefit": "Only what is of farms that take this benefit programme. Several match farms that take any of them.",
}
