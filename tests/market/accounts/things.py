"""Things of an account, by the dozen, for tests of lists."""

from __future__ import annotations

from harvestd.store.postgres.statements import Statement, nothing
from harvestd.store.postgres.transactions import Transaction
from tests.people import Market, Person

_SIGN_INS = Statement(
    "test.sign_ins",
    """insert into sign_ins (id, user_id, created_at, expires_at)
       select gen_random_uuid(), :user_id, now(), now() + interval '1 day' from generate_series(1, :count)""",
    nothing,
)
_ADDRESSES = Statement(
    "test.addresses",
    """insert into addresses (id, user_id, recipient, address, created_at, updated_at)
       select gen_random_uuid(), :user_id, 'Bo', 'Road ' || n, now() + (n / 2) * interval '1 second', now()
         from generate_series(1, :count) n""",
    nothing,
)
_KEYS = Statement(
    "test.api_keys",
    """insert into api_keys (id, user_id, name, hint, secret_hash, scopes, created_at)
       select gen_random_uuid(), :user_id::uuid, 'till', 'hk_', sha256(gen_random_uuid()::text::bytea), '{orders:read}', now()
         from generate_series(1, :count) n""",
    nothing,
)


_MEMBERS = Statement(
    "test.members",
    """insert into farm_members (farm_id, user_id, role) select :farm_id, id, 'packer' from users order by id limit :count
       on conflict do nothing""",
    nothing,
)
_INVITATIONS = Statement(
    "test.invitations",
    """insert into farm_invitations (id, farm_id, email, email_key, role, invited_by, created_at, expires_at)
       select gen_random_uuid(), :farm_id, e, e, 'packer', :user_id, now(), now() + interval '1 day'
         from (select gen_random_uuid() || '@example.org' as e from generate_series(1, :count)) emails""",
    nothing,
)
_DOCUMENTS = Statement(
    "test.farm_documents",
    """with blob as (
         insert into blobs (id, name, kind, farm_id, media_type, size, sha256, created_at, changed_at)
         select gen_random_uuid(), 'document.pdf', 'farm_document', :farm_id, 'application/pdf', 9, repeat('0', 64), now(), now()
           from generate_series(1, :count) returning id, name, farm_id)
       insert into farm_documents (id, farm_id, kind, title, name, added_by, created_at)
       select id, farm_id, 'other', 'Paper', name, :user_id, now() from blob""",
    nothing,
)


_GROUPS = Statement(
    "test.groups",
    """insert into groups (id, slug, name, name_key, created_at, updated_at)
       select case n when 1 then :farm_id::uuid else gen_random_uuid() end, gen_random_uuid(), 'Trade', gen_random_uuid(), now(), now()
         from generate_series(1, :count) n on conflict do nothing""",
    nothing,
)
_IN_ONE = Statement(
    "test.in_one_group",
    """insert into group_members (group_id, user_id, joined_at) select :farm_id, id, now() from users order by id limit :count
       on conflict do nothing""",
    nothing,
)
_RULES = Statement(
    "test.rules",
    """insert into search_rules (id, kind, queries, created_at, updated_at)
       select gen_random_uuid(), 'synonym', array['medlar', 'quince'], now(), now() from generate_series(1, :count)""",
    nothing,
)
_FEES = Statement(
    "test.some_fees",
    """insert into fees (id, farm_id, name, basis, amount, created_at, updated_at, first)
       select gen_random_uuid(), :farm_id, 'Packing', 'farm', 10, now(), now(), '2999-01-01' from generate_series(1, :count)""",
    nothing,
)
_COUPONS = Statement(
    "test.some_coupons",
    """insert into coupons (id, farm_id, code, code_key, amount, created_at, updated_at)
       select gen_random_uuid(), :farm_id, k, k, 10, now(), now() from (select gen_random_uuid()::text as k from generate_series(1, :count)) keys""",
    nothing,
)
_RATES = Statement(
    "test.some_rates",
    """insert into tax_rates (id, name, rate, first, created_at, updated_at)
       select gen_random_uuid(), 'Reduced', 7000, '2999-01-01', now(), now() from generate_series(1, :count)""",
    nothing,
)
_MISSES = Statement(
    "test.some_misses",
    """insert into search_misses (day, query, language, area, count)
       select current_date, 'medlar ' || n, 'en', '', 1 + n % 3 from generate_series(1, :count) n on conflict do nothing""",
    nothing,
)
_OPERATIONS = Statement(
    "test.operations_of",
    """insert into operations (id, kind, user_id, status, due_at, created_at, finished_at)
       select gen_random_uuid(), 'test.nothing', :user_id, 'succeeded', now(), now(), now() from generate_series(1, :count)""",
    nothing,
)


async def some(market: Market, person: Person, count: int) -> None:
    """So many sign-ins and operations more, members and invitations of their farm, groups, fees, coupons, tax rates, rules of searches, searches without hits, members of the one with the farm's id, addresses and API keys; and two entries in the audit log, of a key that was made and ended."""

    async def work(tx: Transaction) -> None:
        for statement in (_SIGN_INS, _ADDRESSES, _KEYS, _OPERATIONS):
            await tx.run(statement, user_id=person.id, count=count)
        if person.farm_id:
            await tx.run(_MEMBERS, farm_id=person.farm_id, count=count)
            await tx.run(_INVITATIONS, farm_id=person.farm_id, user_id=person.id, count=count)
            await tx.run(_GROUPS, farm_id=person.farm_id, count=count)
            for statement in (_FEES, _COUPONS):
                await tx.run(statement, farm_id=person.farm_id, count=count)
            for statement in (_RULES, _MISSES, _RATES):
                await tx.run(statement, count=count)
            await tx.run(_IN_ONE, farm_id=person.farm_id, count=count)
            await tx.run(_DOCUMENTS, farm_id=person.farm_id, user_id=person.id, count=count)

    await market.parts.database.transaction(work)
    key = (await person.post("/api/users/me/api-keys", {"name": "till", "scopes": ["orders:read"]})).json()
    assert (await person.request("DELETE", f"/api/users/me/api-keys/{key['id']}")).status == 204
