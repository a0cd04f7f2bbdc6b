"""Decisions of the market: pure functions over values, without clock, randomness or I/O."""
