-- More units; a counted one is sold whole.
alter table products drop constraint products_unit_check;
alter table products add constraint products_unit_check check (unit in
    ('kg', 'g', 'lb', 'oz', 'each', 'bunch', 'box', 'dozen', 'punnet', 'jar', 'crate', 'head', 'litre', 'ml')) not valid;
-- A product's numbers elsewhere, and what the law has shown of food (Regulation (EU) 1169/2011).
alter table products
    add column sku             text  not null default '',
    add column external_id     text check (external_id ~ '^[!-~]{1,64}$'),
    add column gtin            text  not null default '' check (gtin ~ '^([0-9]{8}|[0-9]{12,14})?$'),
    add column lot             text  not null default '',
    add column ingredients     text  not null default '',
    add column origin          text  not null default '',
    add column storage         text check (storage in ('ambient', 'chilled', 'frozen')),
    add column durability_kind text check (durability_kind in ('best_before', 'use_by')),
    add column durability_date date,
    add column allergens       text[] not null default '{}',
    add column certifications  jsonb not null default '[]' check (jsonb_typeof(certifications) = 'array'),
    add column metadata        jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    add constraint products_durability_check check ((durability_kind is null) = (durability_date is null));
create unique index products_external_id on products (farm_id, external_id) where external_id is not null;
create index products_sku on products (farm_id, sku) where sku <> '';
create type card_durability as (kind text, date date);
-- What was told of the goods when they were ordered stays with the order.
alter table order_lines add column facts jsonb not null default '{}';
