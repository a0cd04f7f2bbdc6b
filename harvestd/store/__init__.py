"""Storage: the pool, transactions, migrations and one module per entity, each SQL statement beside its typed result."""
