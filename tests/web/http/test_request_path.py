"""What a path names, and how it is logged."""

from __future__ import annotations

import pytest

from harvestd.kernel.errors import Invalid
from harvestd.web.http.request_path import SECRET, logged, segments
from harvestd.web.problems import Refusal


@pytest.mark.parametrize(
    ("requested", "named"),
    [
        (b"/", [b""]),
        (b"/api/products", [b"api", b"products"]),
        (b"/api/products/", [b"api", b"products", b""]),
        (b"/api/products/K%C3%BCrbis", [b"api", b"products", "Kürbis".encode()]),
        (b"/a%20b/c+d", [b"a b", b"c+d"]),
        (b"/a%25b", [b"a%b"]),
    ],
)
def test_a_path_names_its_decoded_segments(requested: bytes, named: list[bytes]) -> None:
    assert segments(requested) == named


@pytest.mark.parametrize(
    ("requested", "slug"), [(b"/%ff", "malformed"), (b"/a%2Fb", "not-found"), (b"/%2f", "not-found"), (b"//a", "not-found")]
)  # fmt: skip
def test_what_is_no_text_or_could_name_another_path_names_nothing(requested: bytes, slug: str) -> None:
    with pytest.raises(Refusal) as refused:
        segments(requested)
    assert refused.value.slug == slug


@pytest.mark.parametrize("requested", [b"/a%00", b"/%0A", b"/a%1fb", b"/a%7f"])
def test_a_path_has_no_control_characters(requested: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        segments(requested)
    assert refused.value.errors[0].field == "path"


@pytest.mark.parametrize("secret", SECRET)
def test_what_follows_a_secret_beginning_is_not_logged_however_it_is_written(secret: str) -> None:
    for written in (secret, secret.upper(), secret.replace("i", "%69"), f"/x{secret}"):
        assert logged(f"{written}token") in (f"{secret}…", f"/x{secret}…")
    assert logged("/api/products/token") == "/api/products/token"
    assert logged("/a%20b") == "/a%20b"
