"""Who asks, by what a client calls itself."""

from __future__ import annotations

import pytest

from harvestd.kernel.agents import is_bot


@pytest.mark.parametrize(
    ("agent", "bot"),
    [("", True), (" ", True), ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", False), ("HarvestApp/2.1 (iPhone; iOS 19.0)", False),
     ("Dart/3.4 (dart:io)", False), ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True), ("curl/8.5.0", True),
     ("python-requests/2.32", True), ("Mozilla/5.0 HeadlessChrome/120.0", True), ("bingbot/2.0", True), ("AhrefsBot", True), ("UptimeMonitor/1.0", True),
     ("Mozilla/5.0 (Linux; Android 14; CUBOT X50)", True), ("YandexBot", True), ("Baiduspider", True)],
)  # fmt: skip
def test_programs_are_known_by_what_they_call_themselves(agent: str, bot: bool) -> None:
    assert is_bot(agent) is bot
