"""Conformance suites: what stands behind an interface is tested by one suite, whichever implementation it is."""

import pytest

for _suite in ("broker", "cache", "limiter", "mailer", "search", "sessions", "topics"):
    pytest.register_assert_rewrite(f"{__name__}.{_suite}")
