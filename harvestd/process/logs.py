"""Log lines: one per event, as text for people or JSON for machines, with the request id that they belong to.

All logging goes through here: Twisted's own events, libraries' ``logging`` records, and stray prints. Passwords in URLs
and the values of secret settings are masked in every line.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec
from twisted.logger import (
    FilteringLogObserver,
    ILogFilterPredicate,
    ILogObserver,
    Logger,
    LogLevel,
    PredicateResult,
    formatEvent,
    globalLogBeginner,
)
from zope.interface import implementer

from harvestd.runtime.tracing import current_trace
from harvestd.settings.urls import mask_url

LEVELS = {
    "debug": LogLevel.debug,
    "info": LogLevel.info,
    "warn": LogLevel.warn,
    "error": LogLevel.error,
}
#: Longest message, and longest field, of a line, in characters; an exception's traceback has no limit of lines, but the
#: second limit in characters. Longer text keeps its beginning (a traceback its end, where the error is).
LONGEST, LONGEST_EXCEPTION = 8_192, 65_536
_json = msgspec.json.Encoder(enc_hook=str)
#: Keys of an event that say how it was logged, not what happened.
_INNER = frozenset({"time", "system", "isError", "failure", "why", "message", "format", "logLevel"})
#: Libraries that log each port and connection at "info", which is debugging for us.
_CHATTY = ("twisted.", "log_legacy", "treq.", "txredisapi", "pika")


@implementer(ILogObserver)
class LineObserver:
    """Writes each sufficiently important event as one line to ``stream``, or drops it when the stream is gone.

    ``form`` is "text" or "json", ``level`` the name of the lowest level written, ``hidden`` texts that are replaced by
    ``***`` wherever they appear.
    """

    def __init__(self, stream: TextIO, form: str = "text", level: str = "info", hidden: Iterable[str] = ()) -> None:
        self.stream = stream
        self._format = _json_line if form == "json" else _text_line
        self.level(level)
        self._hidden = tuple(sorted((h for h in hidden if len(h) >= 4), key=len, reverse=True))

    def level(self, name: str) -> None:
        """Write events of at least this level from now on."""
        self._least = LEVELS[name]

    def __call__(self, event: Any) -> None:
        if importance(event) < self._least:
            return
        lines = self._hide("\n".join(map(self._format, entries(event))))
        try:
            self.stream.write(lines + "\n")
            self.stream.flush()
        except (OSError, ValueError):
            pass  # a full disk or a closed terminal must not stop the market

    def _hide(self, line: str) -> str:
        for secret in self._hidden:
            line = line.replace(secret, "***")
        return mask_url(line) if "://" in line or "password=" in line else line


def importance(event: Any) -> Any:
    """Its level; a chatty library's "info" counts as debugging."""
    level = event.get("log_level") or LogLevel.info
    namespace = event.get("log_namespace") or ""
    return LogLevel.debug if level is LogLevel.info and namespace.startswith(_CHATTY) else level


def entries(event: Any) -> Iterator[dict[str, Any]]:
    """An event's entries, each for a line of its own: a batch of requests has one per request."""
    if "requests" not in event:
        yield fields(event)
        return
    head = {"level": event["log_level"].name, "logger": event["log_namespace"]}
    for access in event["requests"]:
        yield {"time": _moment(access.at), **head, "message": access.message(), **access.fields()}


def fields(event: Any) -> dict[str, Any]:
    """The event as JSON values: time (RFC 3339), level, logger, message, the trace, the fields that the call named, exception."""
    trace = current_trace()
    found: dict[str, Any] = {
        "time": _moment(event.get("log_time") or 0.0),
        "level": (event.get("log_level") or LogLevel.info).name,
        "logger": event.get("log_namespace") or "",
        "message": _bounded(formatEvent(event)),
    }
    if trace.request_id:
        found["request_id"] = trace.request_id
    if trace.traceparent:
        found["traceparent"] = trace.traceparent
    for name, value in event.items():
        if not name.startswith("log_") and name not in _INNER and name not in found and _plain(value):
            found[name] = _bounded(value) if isinstance(value, str) else value
    if event.get("log_failure") is not None:
        found["exception"] = event["log_failure"].getTraceback().rstrip()[-LONGEST_EXCEPTION:]
        found["message"] = found["message"] or _bounded(event["log_failure"].getErrorMessage())
    return found


def _bounded(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _json_line(found: dict[str, Any]) -> str:
    """As JSON, in characters that a terminal and an editor show (JSON itself leaves DEL, C1 and U+2028 unescaped)."""
    try:
        line = _json.encode(found).decode()
    except UnicodeEncodeError:  # a lone surrogate, which a file name can have
        line = _json.encode({k: _decent(v) if isinstance(v, str) else v for k, v in found.items()}).decode()
    return line if line.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def _decent(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _text_line(found: dict[str, Any]) -> str:
    """``2026-05-01T12:30:01.125Z info  [web.gate] message (request id)``; a traceback follows, marked line by line."""
    request = f" ({_one_line(str(found['request_id']))})" if "request_id" in found else ""
    logger = _one_line(found["logger"].removeprefix("harvestd."))
    line = f"{found['time']} {found['level']:5} [{logger}] {_one_line(found['message'])}{request}"
    if "exception" in found:
        line += "".join(f"\n    | {_one_line(part)}" for part in found["exception"].split("\n"))
    return line


def _one_line(text: str) -> str:
    """Line breaks and other control characters (C0, DEL, C1, U+2028, U+2029, bidi marks, lone surrogates) as escapes,
    so that no text can forge a line, colour a terminal or reverse its text direction."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Bridge(logging.Handler):
    """Passes records of the ``logging`` module to Twisted's logger."""

    _LEVELS = ((logging.ERROR, LogLevel.error), (logging.WARNING, LogLevel.warn), (logging.INFO, LogLevel.info))

    def emit(self, record: logging.LogRecord) -> None:
        level = next((ours for theirs, ours in self._LEVELS if record.levelno >= theirs), LogLevel.debug)
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        Logger(namespace=record.name).emit(level, "{log_text}", log_text=text)


def bridge(level: str) -> None:
    """Send libraries' ``logging`` records to Twisted's logger."""
    logging.basicConfig(handlers=[Bridge()], level=logging.DEBUG if level == "debug" else logging.INFO, force=True)


#: This process's log stream, which its child processes share.
stream_in_use: TextIO = sys.stdout


def open_stream(logfile: str | None, daemonised: bool) -> TextIO:
    """The log stream that ``twistd`` was given: standard output, or a file, appended to line by line (which is
    compatible with logrotate's ``copytruncate``)."""
    global stream_in_use
    if logfile == "-" or (not logfile and not daemonised):
        stream_in_use = sys.stdout
    else:
        stream_in_use = open(os.path.abspath(logfile or "twistd.log"), "a", encoding="utf-8")
    return stream_in_use


def begin(observer: LineObserver) -> None:
    """Log to ``observer`` in a program that twistd does not run; prints stay prints. The reactor's end is not logged then."""

    @implementer(ILogFilterPredicate)
    def is_news(event: Any) -> Any:
        return PredicateResult.no if event.get("log_format") == "Main loop terminated." else PredicateResult.maybe

    globalLogBeginner.beginLoggingTo(
        [FilteringLogObserver(observer, [is_news])], redirectStandardIO=False, discardBuffer=True
    )
