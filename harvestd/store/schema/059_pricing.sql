-- What is charged beside the price of goods, and what is taken off. Rates and percentages are in thousandths of a per cent, amounts in minor units, days
-- those of the market; both days count.
create table fees (
    id          uuid primary key,
    farm_id     uuid references farms,            -- of a farm's own; else the market's
    name        text not null,
    basis       text not null check (basis in ('order', 'farm', 'kilogram', 'delivery_area')),
    amount      bigint not null check (amount >= 0),
    rate        integer not null default 0 check (rate between 0 and 100000),   -- of its own tax
    free_from   bigint check (free_from >= 0),
    method      text check (method in ('pickup', 'delivery')),
    postcodes   text[],
    first       date,
    last        date,
    version     integer not null default 1,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    check ((basis = 'delivery_area') = (postcodes is not null)),
    check (last >= first)
);
create index fees_farm on fees (farm_id, id);
create table tax_rates (
    id          uuid primary key,
    name        text not null,
    category_id uuid references categories on delete cascade,   -- and those below it; without one, whatever has no other
    rate        integer not null check (rate between 0 and 100000),
    first       date,
    last        date,
    version     integer not null default 1,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    check (last >= first)
);
create index tax_rates_category on tax_rates (category_id);
-- Every process remembers fees and tax rates. Whoever changes one, or the tree of categories, tells all of them with the commit.
create function pricing_changed() returns trigger language plpgsql as $$
begin
    perform pg_notify('harvest_topics', json_build_object('c', 'pricing:changed', 'p', '')::text);
    return null;
end $$;
create trigger pricing_changed after insert or update or delete on fees for each statement execute function pricing_changed();
create trigger pricing_changed after insert or update or delete on tax_rates for each statement execute function pricing_changed();
create trigger pricing_changed after insert or update of parent_id or delete on categories for each statement execute function pricing_changed();

create table coupons (
    id          uuid primary key,
    farm_id     uuid references farms,
    code        text not null,
    code_key    text not null unique,             -- as codes are compared
    percent     integer check (percent between 1 and 100000),
    amount      bigint check (amount > 0),
    minimum     bigint not null default 0 check (minimum >= 0),
    first       date,
    last        date,
    uses_most   integer check (uses_most > 0),
    each_most   integer check (each_most > 0),    -- by one person
    active      boolean not null default true,
    taken       integer not null default 0 check (taken >= 0),
    version     integer not null default 1,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    check (num_nonnulls(percent, amount) = 1),
    check (taken <= uses_most),
    check (last >= first)
);
create index coupons_farm on coupons (farm_id, id);
-- Which order used one; a use that was given back stays, with its time, so that it is given back once.
create table coupon_uses (
    order_id    uuid primary key references orders,
    coupon_id   uuid not null references coupons on delete cascade,
    user_id     uuid not null references users,
    returned_at timestamptz
);
create index coupon_uses_coupon on coupon_uses (coupon_id, user_id);
-- How often each person has used one: the row that a person's limit is counted in.
create table coupon_people (
    coupon_id   uuid not null references coupons on delete cascade,
    user_id     uuid not null references users,
    taken       integer not null check (taken >= 0),
    primary key (coupon_id, user_id)
);

-- Of an order: what its lines weigh, the tax and the discount of each, what its parts and the whole come to. terms are the rules by which it was billed, null
-- where nothing is charged but goods.
alter table order_lines
    add column tax_rate integer not null default 0 check (tax_rate between 0 and 100000),
    add column tax      bigint  not null default 0 check (tax >= 0),
    add column discount bigint  not null default 0 check (discount between 0 and total),
    add column grams    bigint  not null default 0 check (grams >= 0);
alter table order_parts
    add column fees     bigint not null default 0 check (fees >= 0),
    add column tax      bigint not null default 0 check (tax >= 0),
    add column discount bigint not null default 0 check (discount between 0 and subtotal);
alter table orders add column terms jsonb;
