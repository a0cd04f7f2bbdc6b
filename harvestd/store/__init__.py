"""Rows: the pool, transactions, migrations and one module a noun, SQL beside its typed result."""
