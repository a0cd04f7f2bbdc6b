"""Log lines: one an event, as text for people or JSON for machines, with the request id that they belong to.

Everything comes through here: Twisted's own events, what libraries say through ``logging``, and stray prints. Passwords
in URLs and the values of secret settings are masked in every line.
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
#: Longest message, and longest field, of a line, in characters; the traceback of an exception may have as many lines as it has, up
#: to the second number. What is longer keeps its beginning (of a traceback its end, where the error is).
LONGEST, LONGEST_EXCEPTION = 8_192, 65_536
_json = msgspec.json.Encoder(enc_hook=str)
#: Keys of an event that say how it was logged, not what happened.
_INNER = frozenset({"time", "system", "isError", "failure", "why", "message", "format", "logLevel"})
#: Libraries that tell of each port and connection at "info": for us that is debugging.
_CHATTY = ("twisted.", "log_legacy", "treq.", "txredisapi", "pika")


@implementer(ILogObserver)
class LineObserver:
    """Writes each event that is important enough as one line of ``stream``, or drops it when that is gone.

    ``form`` is "text" or "json", ``level`` the name of the least important level, ``hidden`` texts that are replaced by
    ``***`` wherever they appear.
    """

    def __init__(self, stream: TextIO, form: str = "text", level: str = "info", hidden: Iterable[str] = ()) -> None:
        self.stream = stream
        self._format = _json_line if form == "json" else _text_line
        self.level(level)
        self._hidden = tuple(sorted((h for h in hidden if len(h) >= 4), key=len, reverse=True))

    def level(self, name: str) -> None:
        """Write what is at least this important from now on."""
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
    """Its level; what chatty libraries call "info" counts as debugging."""
    level = event.get("log_level") or LogLevel.info
    namespace = event.get("log_namespace") or ""
    return LogLevel.debug if level is LogLevel.info and namespace.startswith(_CHATTY) else level


def entries(event: Any) -> Iterator[dict[str, Any]]:
    """What an event tells, each for a line of its own: a batch of requests as many."""
    if "requests" not in event:
        yield fields(event)
        return
    head = {"level": event["log_level"].name, "logger": event["log_namespace"]}
    for access in event["requests"]:
        yield {"time": _moment(access.at), **head, "message": access.message(), **access.fields()}


def fields(event: Any) -> dict[str, Any]:
    """The event as JSON values: time (RFC 3339), level, logger, message, the trace, what the call named, exception."""
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
    """As JSON, in characters that a terminal and an editor show (JSON itself would let DEL, C1 and U+2028 stand)."""
    try:
        line = _json.encode(found).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, which a name of a file can have
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
    """Line breaks and other control characters (C0, DEL, C1, U+2028, U+2029, bidi marks, halves of surrogate pairs) as escapes, so
    that no text can forge a line, colour a terminal or turn its order round."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Bridge(logging.Handler):
    """Hands records of the ``logging`` module to Twisted's logger."""

    _LEVELS = ((logging.ERROR, LogLevel.error), (logging.WARNING, LogLevel.warn), (logging.INFO, LogLevel.info))

    def emit(self, record: logging.LogRecord) -> None:
        level = next((ours for theirs, ours in self._LEVELS if record.levelno >= theirs), LogLevel.debug)
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        Logger(namespace=record.name).emit(level, "{log_text}", log_text=text)


def bridge(level: str) -> None:
    """Send what libraries log through ``logging`` to Twisted's logger."""
    logging.basicConfig(handlers=[Bridge()], level=logging.DEBUG if level == "debug" else logging.INFO, force=True)


#: What this process logs to; its further processes do too.
stream_in_use: TextIO = sys.stdout


def open_stream(logfile: str | None, daemonised: bool) -> TextIO:
    """Where ``twistd`` was told to log to: standard output, or a file, appended to line by line (logrotate's
    ``copytruncate`` goes with that)."""
    global stream_in_use
    if logfile == "-" or (not logfile and not daemonised):
        stream_in_use = sys.stdout
    else:
        stream_in_use = open(os.path.abspath(logfile or "twistd.log"), "a", encoding="utf-8")
    return stream_in_use


def begin(observer: LineObserver) -> None:
    """Log to ``observer`` in a program that twistd does not run; prints stay prints. That the reactor has ended is no news then."""

    @implementer(ILogFilterPredicate)
    def is_news(event: Any) -> Any:
        return PredicateResult.no if event.get("log_format") == "Main loop terminated." else PredicateResult.maybe

    globalLogBeginner.beginLoggingTo(
        [FilteringLogObserver(observer, [is_news])], redirectStandardIO=False, discardBuffer=True
    )
