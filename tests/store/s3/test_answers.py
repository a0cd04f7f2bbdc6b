"""What S3 answers is read as far as it has the shape that it should have, and nothing beyond it is believed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.store.s3.answers import (
    Begun,
    Listed,
    S3Error,
    completed,
    completion,
    failure,
    page_of,
    upload_id_of,
    uploads_of,
)
from harvestd.store.s3.markup import element, escaped, read

#: As Amazon's reference has it (ListObjectsV2).
LISTING = b"""<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
    <Name>quotes</Name> <Prefix>E</Prefix> <StartAfter>ExampleGuide.pdf</StartAfter> <KeyCount>1</KeyCount> <MaxKeys>3</MaxKeys>
    <IsTruncated>true</IsTruncated>
    <Contents>
        <Key>Example &amp; Co.txt</Key> <LastModified>2013-09-17T18:07:53.000Z</LastModified>
        <ETag>"599bab3ed2c697f1d26842727561fd94"</ETag> <Size>857</Size> <StorageClass>REDUCED_REDUNDANCY</StorageClass>
    </Contents>
</ListBucketResult>"""
AT = datetime(2013, 9, 17, 18, 7, 53, tzinfo=UTC)


def test_a_listing_is_read() -> None:
    page = page_of(LISTING)
    assert (page.objects, page.more) == ([Listed("Example & Co.txt", AT)], True)
    assert page_of(b"<ListBucketResult/>").objects == []


def test_uploads_in_parts_are_read() -> None:
    body = b"<ListMultipartUploadsResult><Upload><Key>a</Key><UploadId>x</UploadId><Initiated>2013-09-17T18:07:53.000Z</Initiated></Upload></ListMultipartUploadsResult>"
    assert uploads_of(body) == [Begun("a", "x", AT)]
    assert upload_id_of(b"<InitiateMultipartUploadResult><UploadId>x</UploadId></InitiateMultipartUploadResult>") == "x"
    with pytest.raises(S3Error):
        upload_id_of(b"<InitiateMultipartUploadResult></InitiateMultipartUploadResult>")


def test_an_error_behind_a_success_is_an_error() -> None:
    completed(b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")
    with pytest.raises(S3Error, match="InternalError") as failed:
        completed(b"<Error><Code>InternalError</Code><Message>try again</Message></Error>")
    assert failed.value.passing


def test_etags_are_escaped_and_in_order() -> None:
    root = read(completion(['"a<&>"', '"b"']))
    assert [(part.value("PartNumber"), part.value("ETag")) for part in root.all("Part")] == [("1", '"a<&>"'), ("2", '"b"')]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "code", "gone", "slower", "passing"),
    [
        (404, "NoSuchKey", True, False, False),
        (404, "", True, False, False),
        (404, "NoSuchBucket", False, False, False),
        (403, "AccessDenied", False, False, False),
        (503, "SlowDown", False, True, True),
        (429, "", False, True, True),
        (500, "InternalError", False, False, True),
        (400, "RequestTimeout", False, False, True),
        (507, "", False, False, False),
    ],
)
def test_an_error_says_what_becomes_of_it(status: int, code: str, gone: bool, slower: bool, passing: bool) -> None:
    body = f"<Error><Code>{code}</Code><Message>x</Message></Error>".encode() if code else b""
    error = failure(status, body)
    assert (error.gone, error.slower, error.passing) == (gone, slower, passing)


@pytest.mark.parametrize(("given", "pause"), [("7", 7.0), ("100000", 60.0), ("soon", 0.0), (None, 0.0), ("-1", 0.0)])
def test_it_says_when_to_come_again_within_reason(given: str | None, pause: float) -> None:
    error = failure(503, b"", given)
    assert (error.pause, error.retry_after) == (pause, max(2.0, pause))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"text", b"<a>", b"</a>", b"<a></b>", b"<a/><b/>", b"<a>&b;</a>", b"<!DOCTYPE a><a/>", b"<a><![CDATA[x]]></a>", b"<a>1 < 2</a>",
        b"<!-- x --><a/>", b"\xff<a/>", b"<a>" * 9 + b"</a>" * 9, b"<1/>",
    ],
)  # fmt: skip
def test_what_is_more_than_elements_with_texts_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        read(body)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60))
def test_a_text_is_read_as_it_was_written(text: str) -> None:
    assert read(element("a", element("b", escaped(text))).encode()).value("b") == text


@given(st.binary(max_size=200))
def test_no_answer_breaks_the_reader(body: bytes) -> None:
    assert isinstance(failure(500, body), S3Error)
    for reading in (page_of, uploads_of, upload_id_of):
        with pytest.raises(S3Error):
            reading(body)
