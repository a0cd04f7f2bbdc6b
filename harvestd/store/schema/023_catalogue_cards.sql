-- The parts of a product's JSON that have members of their own: PostgreSQL writes a product with them as it writes any row.
create type card_named as (id uuid, slug text, name text);
create type card_money as (amount bigint, currency text);
create type card_quantity as (quantity text, unit text);
create type card_unit_price as (amount bigint, currency text, per text);
create type card_season as ("from" text, "to" text);
create type card_rating as (average numeric, count integer);
