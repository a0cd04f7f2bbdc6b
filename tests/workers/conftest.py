"""Processes on the test's database."""

from tests.queue.conftest import processes

__all__ = ["processes"]
