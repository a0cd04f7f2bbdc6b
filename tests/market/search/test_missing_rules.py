"""Which searches that find nothing are counted, and as what."""

from __future__ import annotations

import pytest

from harvestd.market.search.missing_rules import MAX_KEPT, area, is_bot, kept


@pytest.mark.parametrize(
    ("text", "words"),
    [("Quinces", "quinces"), ("  Crème   FRAÎCHE! ", "creme fraiche"), ("20 kg potatoes", "20 kg potatoes"), ("12345", "12345"), ("---", ""),
     ("bo@example.org", ""), ("bo(a)example.org", ""), ("bo at example dot org", ""), ("www.example.org", ""),
     ("https://example", ""), ("example.com", ""), ("+43 664 123-4567", ""), ("0664/1234567", ""), ("call 555 1234 now", ""), ("6 6 4 1 2 3", ""),
     ("x" * MAX_KEPT, "x" * 40), ("x" * (MAX_KEPT + 1), ""), ("123456", ""), ("carrots at noon", "carrots at noon")],
)  # fmt: skip
def test_what_may_be_somebody_s_address_or_number_is_nothing(text: str, words: str) -> None:
    assert kept(text) == words


@pytest.mark.parametrize(
    ("agent", "bot"),
    [("", True), (" ", True), ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", False), ("HarvestApp/2.1 (iPhone; iOS 19.0)", False),
     ("Dart/3.4 (dart:io)", False), ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True), ("curl/8.5.0", True),
     ("python-requests/2.32", True), ("Mozilla/5.0 HeadlessChrome/120.0", True), ("bingbot/2.0", True), ("AhrefsBot", True), ("UptimeMonitor/1.0", True),
     ("Mozilla/5.0 (Linux; Android 14; CUBOT X50)", True), ("YandexBot", True), ("Baiduspider", True)],
)  # fmt: skip
def test_programs_are_known_by_what_they_call_themselves(agent: str, bot: bool) -> None:
    assert is_bot(agent) is bot


@pytest.mark.parametrize(
    ("near", "cell"),
    [(None, ""), ((48.85, 2.35), "48,2"), ((-0.1, -179.9), "-1,-180"), ((90.0, 180.0), "90,180"), ((0.0, 0.0), "0,0")],
)
def test_a_position_is_kept_as_a_degree_of_the_earth(near: tuple[float, float] | None, cell: str) -> None:
    assert area(near) == cell
