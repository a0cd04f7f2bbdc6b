"""Log lines: one an event, with the request that it belongs to, and without secrets."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import Any

import pytest
from twisted.logger import Logger, LogLevel

from harvestd.process import logs
from harvestd.runtime.tracing import Trace, tracing


class Log:
    """A logger whose lines end up in :attr:`lines`."""

    def __init__(self, form: str = "json", level: str = "info", hidden: tuple[str, ...] = ()) -> None:
        self.stream = io.StringIO()
        self.log = Logger(namespace="harvestd.test", observer=logs.LineObserver(self.stream, form, level, hidden))

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


def test_json_lines_have_time_level_logger_message_and_what_the_call_named() -> None:
    log = Log()
    log.log.info("{count} things", count=3, thing=object())
    (line,) = log.objects
    assert (line["level"], line["logger"], line["message"], line["count"]) == ("info", "harvestd.test", "3 things", 3)
    assert line["time"].endswith("Z")
    assert "thing" not in line, "only JSON values are fields"


def test_a_line_of_text_begins_with_its_time() -> None:
    text = Log("text")
    text.log.info("noon")
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info +\[test\] noon$", text.lines[0]), text.lines


def test_lines_carry_the_request_that_they_belong_to() -> None:
    log = Log()
    with tracing(Trace("r-1", "00-aa-bb-01")):
        log.log.info("within")
    log.log.info("without")
    within, without = log.objects
    assert (within["request_id"], within["traceparent"]) == ("r-1", "00-aa-bb-01")
    assert "request_id" not in without
    text = Log("text")
    with tracing(Trace("r-1", "")):
        text.log.info("within")
    assert text.lines[0].endswith("within (r-1)")


@pytest.mark.parametrize(("level", "seen"), [("debug", 4), ("info", 3), ("warn", 2), ("error", 1)])
def test_less_important_lines_are_not_written(level: str, seen: int) -> None:
    log = Log(level=level)
    for name in (LogLevel.debug, LogLevel.info, LogLevel.warn, LogLevel.error):
        log.log.emit(name, "a line")
    assert len(log.lines) == seen


def test_what_libraries_tell_of_every_port_counts_as_debugging() -> None:
    log = Log()
    Logger(namespace="twisted.web.server", observer=log.log.observer).info("Site starting on 8080")
    Logger(namespace="twisted.internet", observer=log.log.observer).warn("but a warning is one")
    assert [line["message"] for line in log.objects] == ["but a warning is one"]


def test_one_event_is_one_line_whatever_is_in_it() -> None:
    for form in ("json", "text"):
        log = Log(form)
        log.log.info("{name}", name="first\n2026-05-01T12:00:00.000Z error [auth] forged\x1b[31m")
        assert len(log.lines) == 1
        assert "\x1b" not in log.lines[0]


#: C0, DEL, C1, the line ends of Unicode, marks that turn the order round, and half of a pair.
ODD = [
    *map(chr, (*range(0x20), *range(0x7F, 0xA0))),
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2066",
    "\u200f",
    "\ufeff",
    "\ud800",
]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
@pytest.mark.parametrize("form", ["json", "text"])
def test_no_text_of_people_can_forge_a_line_wherever_it_stands(form: str, odd: str) -> None:
    """In the message, a field, the request's id, the logger's name, the words of an exception."""
    forged = f"Acres{odd}2026-05-01T12:00:00.000Z error [auth] forged"
    log = Log(form)
    with tracing(Trace(forged, forged)):
        Logger(namespace=forged, observer=log.log.observer).info("{name}", name=forged)
        try:
            raise ValueError(forged)
        except ValueError:
            log.log.failure("reading {name}", name=forged)
    written = log.stream.getvalue()
    assert [line for line in written.splitlines() if line.startswith("2026-05-01T12")] == []
    lines = written.removesuffix("\n").split("\n")
    assert all(line.isprintable() for line in lines), (
        "nothing that a terminal or an editor takes for more than a character"
    )
    if form == "json":
        first, second = map(json.loads, lines)
        assert "forged" in first["message"] and "forged" in second["exception"]
        assert odd < " " or odd == "\ud800" or odd in first["message"]
        return
    assert all(line.startswith("    | ") for line in lines[2:])


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_line_has_a_length_that_can_be_kept(form: str) -> None:
    log = Log(form)
    log.log.info("{name}", name="long" * 100_000, other="long" * 100_000)
    try:
        raise ValueError("long" * 100_000)
    except ValueError:
        log.log.failure("{name}", name="long" * 100_000)
    assert len(log.stream.getvalue()) < 6 * logs.LONGEST + logs.LONGEST_EXCEPTION


def test_an_exception_is_a_field() -> None:
    log = Log()
    try:
        raise ValueError("wrong\nhere")
    except ValueError:
        log.log.failure("reading {what}", what="it")
    (line,) = log.objects
    assert line["message"] == "reading it"
    assert "ValueError: wrong" in line["exception"]


def test_in_text_a_traceback_follows_its_line_and_is_marked() -> None:
    log = Log("text")
    try:
        raise ValueError("wrong")
    except ValueError:
        log.log.failure("reading")
    assert log.lines[0].endswith("critical [test] reading")
    assert all(line.startswith("    | ") for line in log.lines[1:])
    assert "ValueError: wrong" in log.lines[-1]


def test_secrets_are_masked_wherever_they_stand() -> None:
    log = Log(hidden=("correct horse battery",))
    log.log.info("connecting to {url}", url="postgresql://u:geheim@db/market", note="correct horse battery staple")
    try:
        raise OSError("amqp://u:geheim@broker refused correct horse battery")
    except OSError:
        log.log.failure("no broker")
    text = log.stream.getvalue()
    assert "geheim" not in text
    assert "correct horse" not in text
    assert "postgresql://u:***@db/market" in text


def test_what_libraries_say_through_logging_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(logs, "Logger", lambda namespace: Logger(namespace=namespace, observer=seen.append))
    record = logging.LogRecord("pika.adapters", logging.WARNING, "f.py", 1, "lost %s {braces}", ("it",), None)
    logs.Bridge().emit(record)
    log = Log("text")
    log.log.observer(seen[0])
    assert log.lines[0].endswith("warn  [pika.adapters] lost it {braces}")


def test_a_stream_that_is_gone_stops_nothing() -> None:
    log = Log()
    log.stream.close()
    log.log.error("to nobody")
