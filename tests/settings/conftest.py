"""Folders and daemons for tests of real processes on the embedded database."""

from tests.process.conftest import api, folder  # noqa: F401
