"""Whether two servers of one market answer alike: the same JSON, byte for byte apart from the text of cursors.

    python same.py http://127.0.0.1:8080 http://127.0.0.1:8001

Exit status 0 if they do; 1, with the first differences printed, if not. Needs nothing but the standard library.
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, NamedTuple

LISTINGS = (
    {"limit": "20"},
    {"limit": "7", "sort": "price"},
    {"limit": "20", "in_stock": "true"},
    {"limit": "20", "sort": "price", "in_stock": "true"},
)
#: How many pages of each listing are followed.
PAGES = 3
MOST = 20


class Answer(NamedTuple):
    status: int
    body: bytes
    link: str | None


def fetch(base: str, path: str) -> Answer:
    request = urllib.request.Request(base.rstrip("/") + path, headers={"Accept": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return Answer(response.status, response.read(), response.headers["Link"])
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(), None)


def differences(ours: str, theirs: str) -> list[str]:
    """What differs, one line each, of the listings and product pages of two servers."""
    found: list[str] = []
    first = fetch(ours, "/api/products?limit=100")
    items = json.loads(first.body)["items"] if first.status == 200 else []
    if not items:
        return [f"{ours} lists no product (status {first.status})"]
    categories = [item["category"]["slug"] for item in items if item["category"]]
    of_category = [{"limit": "20", "category": slug} for slug in categories[:1]]
    for query in (*LISTINGS, *of_category):
        found += _listing(ours, theirs, query)
    for item in items[:: max(1, len(items) // 10)]:
        for token in (item["id"], item["slug"]):
            found += _page(ours, theirs, f"/api/products/{token}")
    if fetch(theirs, "/api/products/no-such-product").status != 404:
        found.append("/api/products/no-such-product: not a 404")
    return found


def _listing(ours: str, theirs: str, query: dict[str, str]) -> list[str]:
    """Pages of one listing, each server's found by its own cursors."""
    found: list[str] = []
    cursors: tuple[str | None, str | None] = (None, None)
    for number in range(1, PAGES + 1):
        answers = [
            fetch(base, "/api/products?" + urllib.parse.urlencode(query | ({"after": after} if after else {})))
            for base, after in zip((ours, theirs), cursors, strict=True)
        ]
        name = f"/api/products?{urllib.parse.urlencode(query)} page {number}"
        if (wrong := _compare(name, *answers)) or answers[0].status != 200:
            return found + wrong
        cursors = tuple(json.loads(answer.body)["next"] for answer in answers)
        found += _links(name, answers, cursors)
        if cursors[0] is None:
            break
    return found


def _page(ours: str, theirs: str, path: str) -> list[str]:
    return _compare(path, fetch(ours, path), fetch(theirs, path))


def _compare(name: str, ours: Answer, theirs: Answer) -> list[str]:
    if ours.status != theirs.status:
        return [f"{name}: status {ours.status} and {theirs.status}"]
    if ours.status != 200:
        return []
    values = [json.loads(answer.body) for answer in (ours, theirs)]
    if found := _values(name, *values):
        return found
    bare = [_without_cursor(answer.body, value) for answer, value in zip((ours, theirs), values, strict=True)]
    if len(bare[0]) != len(bare[1]):
        return [f"{name}: {len(bare[0])} and {len(bare[1])} bytes without the cursor"]
    return [] if bare[0] == bare[1] else [f"{name}: the same values and sizes, other bytes (order of fields?)"]


def _values(where: str, ours: Any, theirs: Any) -> list[str]:
    """The first places where two JSON values differ; cursors need only be there in both."""
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        return [line for key in ours for line in _values(f"{where}.{key}", ours[key], theirs[key])]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [line for i, (one, other) in pairs for line in _values(f"{where}[{i}]", one, other)]
    if where.endswith(".next") and isinstance(ours, str) and isinstance(theirs, str):
        return []
    same = type(ours) is type(theirs) and ours == theirs
    return [] if same else [f"{where}: {str(ours)[:120]!r} and {str(theirs)[:120]!r}"]


def _without_cursor(body: bytes, value: Any) -> bytes:
    cursor = value.get("next")
    return body.replace(b'"next":"%s"' % cursor.encode("ascii"), b'"next":""') if cursor else body


def _links(name: str, answers: list[Answer], cursors: tuple[str | None, ...]) -> list[str]:
    """A page with a cursor has a ``Link`` to the next that carries it, the last page has none."""
    found = []
    for who, answer, cursor in zip(("first", "second"), answers, cursors, strict=True):
        target = (answer.link or "").partition(">")[0].lstrip("<")
        after = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query).get("after", [None])[0]
        if after != cursor or (cursor is not None and 'rel="next"' not in (answer.link or "")):
            found.append(f"{name}: the {who} server's Link is {answer.link!r}, its cursor {cursor!r}")
    return found


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    found = differences(sys.argv[1], sys.argv[2])
    print("\n".join(found[:MOST] + ([f"and {len(found) - MOST} more"] if len(found) > MOST else [])) or "the same")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
