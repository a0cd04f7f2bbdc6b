"""Signatures against the examples that Amazon publishes: "Examples: Signature Calculations" and "Authenticating Requests: Using Query Parameters" in the
Amazon S3 API reference."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qs

import pytest

from harvestd.store.s3.bucket import Bucket
from harvestd.store.s3.signing import EMPTY, LONGEST, Signer, escaped_path, escaped_query

SIGNER = Signer("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
AT = datetime(2013, 5, 24, tzinfo=UTC)
HOST = "examplebucket.s3.amazonaws.com"
PUT = {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "body", "signature"),
    [
        ("GET", "/test.txt", {}, {"Range": "bytes=0-9"}, b"", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("PUT", "/test$file.text", {}, PUT, b"Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        ("GET", "/", {"lifecycle": ""}, {}, b"", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("GET", "/", {"max-keys": "2", "prefix": "J"}, {}, b"", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
    ids=["get", "put", "lifecycle", "list"],
)  # fmt: skip
def test_requests_are_signed_as_amazon_does(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes, signature: str
) -> None:
    signed = SIGNER.headers(method, HOST, escaped_path(path), query, headers, sha256(body).hexdigest(), AT)
    assert signed["Authorization"].endswith(f", Signature={signature}")
    assert signed["Authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders="
    )
    assert set(signed) == {*headers, "Authorization", "x-amz-date", "x-amz-content-sha256"}


def test_an_address_is_signed_as_amazon_does() -> None:
    query = SIGNER.query(HOST, "/test.txt", {}, AT, 86_400)
    assert parse_qs(query)["X-Amz-Signature"] == ["aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"]
    assert "Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" in query


@pytest.mark.parametrize("seconds", [0, -1, LONGEST + 1])
def test_an_address_holds_for_a_week_at_most(seconds: int) -> None:
    with pytest.raises(ValueError):
        SIGNER.query(HOST, "/test.txt", {}, AT, seconds)


def test_the_secret_is_in_nothing_that_is_shown_or_sent() -> None:
    sent = SIGNER.headers("GET", HOST, "/", {}, {}, EMPTY, AT)
    assert SIGNER.secret not in repr(SIGNER) + repr(sent) + SIGNER.query(HOST, "/", {}, AT, 1)


def test_a_query_is_in_the_order_of_its_escaped_names() -> None:
    assert escaped_query({"b": " ", "a": "/", "A": "~", "a-": "ä"}) == "A=~&a=%2F&a-=%C3%A4&b=%20"


@pytest.mark.parametrize(
    ("url", "style", "address"),
    [
        ("https://k:s@s3.eu-west-1.amazonaws.com/bucket", "path", "https://s3.eu-west-1.amazonaws.com/bucket/a/b"),
        ("https://k:s@s3.eu-west-1.amazonaws.com/bucket", "host", "https://bucket.s3.eu-west-1.amazonaws.com/a/b"),
        ("https://k:s@s3.example:443/bucket/", "path", "https://s3.example/bucket/a/b"),
        ("http://k:s@127.0.0.1:9000/bucket/one/two", "path", "http://127.0.0.1:9000/bucket/one/two/a/b"),
        ("http://k:s@[::1]:9000/bucket/one", "host", "http://bucket.[::1]:9000/one/a/b"),
    ],
)
def test_an_object_has_the_address_of_its_style(url: str, style: str, address: str) -> None:
    bucket = Bucket.of(url, "eu-west-1", style)
    assert bucket.url(f"{bucket.prefix}a/b", {}) == address
    assert (bucket.signer.key, bucket.signer.secret) == ("k", "s")


def test_a_key_and_a_secret_are_unescaped() -> None:
    signer = Bucket.of("https://a%2Bb:c%2Fd%25@s3.example/bucket", "eu-west-1", "path").signer
    assert (signer.key, signer.secret) == ("a+b", "c/d%")
