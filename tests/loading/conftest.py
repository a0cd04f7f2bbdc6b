"""Folders and daemons for tests of real processes on the embedded database."""

from tests.process.conftest import api, folder  # noqa: F401
from tests.web.conftest import _addresses_are_compiled_once, market, parts, web_settings  # noqa: F401
