"""The operations of catalogue, each once, as a person of the demo would ask for them."""

from __future__ import annotations

from tests.openapi.steps import ADMIN, FARMER, SUNNY_ACRES, TOMATOES, Step

STEPS: tuple[Step, ...] = (
    Step("listCategories"),
    Step("createCategory", ADMIN, body={"name": "Mushrooms", "description": "Grown, not gathered.", "color": "#8a6d4b"}),
    Step("updateCategory", ADMIN, {"id": "{createCategory.id}"}, {"icon": "mushroom"}),
    Step("deleteCategory", ADMIN, {"id": "{createCategory.id}"}),
    Step("listProducts", parameters={"limit": "1", "in_stock": "true", "sort": "price"}),
    Step("createProduct", FARMER, body={"title": "Red chard", "description": "Cut this morning.", "unit": "g",
         "price": {"amount": 640, "currency": "EUR"}, "price_per": {"quantity": "1", "unit": "kg"}, "quantity_step": "50",
         "stock": "8000", "tags": ["organic"], "sku": "CHARD-R", "external_id": "erp-1017", "gtin": "4006381333931", "lot": "L2026-07-01",
         "allergens": ["celery"], "ingredients": "Red chard.", "origin": "Vermont, USA", "storage": "chilled",
         "durability": {"kind": "best_before", "date": "2026-07-08"}, "metadata": {"shelf": "B3"},
         "certifications": [{"scheme": "EU organic", "body_code": "DE-ÖKO-006", "number": "DE-2026-4711", "valid_until": "2099-12-31"}]}),
    Step("getProduct", parameters={"id": TOMATOES}),
    Step("updateProduct", FARMER, {"id": TOMATOES}, {"price": {"amount": 460, "currency": "EUR"}}),
    Step("putProduct", FARMER, {"id": SUNNY_ACRES, "external_id": "erp-1017"},
         {"title": "Red chard", "unit": "g", "price": 690, "price_per": {"quantity": "1", "unit": "kg"}, "stock": "7500", "tags": ["organic"]}),
    Step("writeProducts", FARMER, {"atomic": "true"}, {"rows": [
         {"external_id": "erp-1017", "price": 680}, {"external_id": "erp-1019", "title": "Spinach", "unit": "kg", "price": 520, "stock": "12.5"}]}),
    Step("importProducts", FARMER, {"dry_run": "true"}, {"filename": "products.csv", "content":
         "ZXh0ZXJuYWxfaWQsdGl0bGUsdW5pdCxwcmljZSxzdG9jawplcnAtMTAyMCxMZWVrcyxidW5jaCwyLjUwLDEyCg=="}),
    Step("exportProducts", FARMER),
    Step("exportProductLines", FARMER),
    Step("archiveProduct", FARMER, {"id": "{createProduct.id}"}),
    Step("reducePrice", FARMER, {"id": TOMATOES}, {"price": 390, "until": "2099-10-01T00:00:00Z", "reason": "The last of the season."}),
    Step("listPrices", FARMER, {"id": TOMATOES}),
    Step("restorePrice", FARMER, {"id": TOMATOES}),
    Step("changeStock", FARMER, {"id": TOMATOES}, {"change": "12.5", "reason": "this morning's picking"}),
    Step("putVariants", FARMER, {"id": TOMATOES}, {"items": [
         {"title": "5 kg crate", "unit": "crate", "price": {"amount": 1900, "currency": "EUR"}, "takes": "5", "sku": "TOM-5"},
         {"title": "500 g punnet", "unit": "punnet", "price": 260, "takes": "0.5", "external_id": "erp-2001"}]}),
    Step("listVariants", FARMER, {"id": TOMATOES}),
    Step("listFarmGroups", FARMER, {"id": SUNNY_ACRES, "limit": "1"}),
)  # fmt: skip
