"""The listing and the product page: plain views, encoded by orjson."""

from urllib.parse import urlencode
from uuid import UUID

import orjson
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from market import listings
from market.models import Product
from market.shapes import COLUMNS, product


def json_response(value, status=200, **headers):
    body = orjson.dumps(value, option=orjson.OPT_UTC_Z)
    return HttpResponse(body, status=status, content_type="application/json", headers=headers)


@require_safe
def product_list(request):
    try:
        rows, following = listings.page(request.GET)
    except listings.BadQuery as error:
        return json_response({"detail": str(error)}, 422)
    headers = {}
    if following is not None:
        pairs = request.GET.dict() | {"after": following}
        headers["Link"] = f'<{request.path}?{urlencode(pairs)}>; rel="next"'
    return json_response({"items": [product(row) for row in rows], "next": following, "total": None}, **headers)


@require_safe
def product_detail(request, token):
    try:
        named = {"id": UUID(token)}
    except ValueError:
        named = {"slug": token}
    row = Product.objects.filter(status="published", **named).values(*COLUMNS).first()
    if row is None:
        return json_response({"detail": "there is no such product"}, 404)
    return json_response(product(row))
