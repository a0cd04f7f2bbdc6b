from harvestd.store.database import Database, Statement, scalar

ONE = Statement("test one", "select $1::int + 1", scalar)


async def test_a_statement_is_answered(database: Database) -> None:
    assert await database.row(ONE, 41) == 42


async def test_a_transaction_commits(database: Database) -> None:
    async def work(tx):
        return await tx.row(ONE, 1)

    assert await database.transaction(work) == 2
