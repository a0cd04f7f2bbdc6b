"""The operations of fees, tax rates and coupons, each once, as people of the demo would ask for them."""

from __future__ import annotations

from tests.openapi.steps import ADMIN, FARMER, SUNNY_ACRES, Step

STEPS: tuple[Step, ...] = (
    Step("createFee", ADMIN, body={"name": "Packing", "basis": "order", "amount": 150, "rate": "19", "free_from": 5000, "from": "2030-01-01"}),
    Step("listFees", ADMIN),
    Step("getFee", ADMIN, {"id": "{createFee.id}"}),
    Step("changeFee", ADMIN, {"id": "{createFee.id}"}, {"amount": 120, "until": "2030-12-31"}),
    Step("createTaxRate", ADMIN, body={"name": "Reduced", "rate": "7", "from": "2030-01-01"}),
    Step("listTaxRates", ADMIN),
    Step("getTaxRate", ADMIN, {"id": "{createTaxRate.id}"}),
    Step("changeTaxRate", ADMIN, {"id": "{createTaxRate.id}"}, {"rate": "7.5"}),
    Step("createCoupon", FARMER, body={"farm_id": SUNNY_ACRES, "code": "Sunny-2030", "percent": "10", "minimum": 2000, "max_uses": 100, "max_uses_per_person": 1}),
    Step("listCoupons", FARMER),
    Step("getCoupon", FARMER, {"id": "{createCoupon.id}"}),
    Step("changeCoupon", FARMER, {"id": "{createCoupon.id}"}, {"active": False}),
    Step("deleteFee", ADMIN, {"id": "{createFee.id}"}),
    Step("deleteTaxRate", ADMIN, {"id": "{createTaxRate.id}"}),
    Step("deleteCoupon", FARMER, {"id": "{createCoupon.id}"}),
)  # fmt: skip
