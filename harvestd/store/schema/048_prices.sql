-- Who sees a product, and at which price. visible_to is null for everybody; else its groups, whose members see it besides its farm and the market's
-- staff. A group that was deleted stays in it, with nobody in it, so that nothing becomes public by that. While a reduction is announced, price is the
-- reduced one: so what filters, sorts and sells by it needs to know nothing else.
alter table products
    add column visible_to       uuid[] check (cardinality(visible_to) > 0),
    add column group_prices     jsonb check (jsonb_typeof(group_prices) = 'array' and group_prices <> '[]'),
    add column regular_price    bigint check (regular_price > price),
    add column prior_price      bigint check (prior_price >= 0),
    add column markdown_until   timestamptz,
    add column markdown_reason  text,
    add constraint products_markdown_whole check (num_nulls(regular_price, prior_price, markdown_until, markdown_reason) in (0, 4));
create index products_markdowns on products (markdown_until) where markdown_until is not null;
create index products_of_groups on products (id) where visible_to is not null or group_prices is not null;

-- What a product costs somebody of these groups: the lowest of their prices, or the reduced one if that is lower still.
create function price_for(price bigint, reduced boolean, prices jsonb, groups uuid[]) returns bigint language sql immutable parallel safe as $$
    select case when reduced then least(price, own) else coalesce(own, price) end
      from (select min((g ->> 'price')::bigint) as own from jsonb_array_elements(prices) g where (g ->> 'group')::uuid = any(groups)) o
$$;

-- What each product cost everybody, and since when: a row for each change, written with it, whoever makes it.
create table product_prices (
    product_id  uuid not null references products,
    id          bigint generated always as identity,
    price       bigint not null,
    price_per   numeric(12,3) not null,
    unit        text not null,
    on_sale     boolean not null,
    reduced     boolean not null,
    since       timestamptz not null,
    primary key (product_id, id)
);
insert into product_prices (product_id, price, price_per, unit, on_sale, reduced, since)
select id, price, price_per, unit, status = 'published', false, updated_at from products order by id;

create function products_priced() returns trigger language plpgsql as $$
begin
    insert into product_prices (product_id, price, price_per, unit, on_sale, reduced, since)
    select id, price, price_per, unit, status = 'published', regular_price is not null, updated_at from added order by id;
    return null;
end $$;
create trigger products_priced after insert on products referencing new table as added for each statement execute function products_priced();

create function products_repriced() returns trigger language plpgsql as $$
begin
    insert into product_prices (product_id, price, price_per, unit, on_sale, reduced, since)
    values (new.id, new.price, new.price_per, new.unit, new.status = 'published', new.regular_price is not null, new.updated_at);
    return null;
end $$;
create trigger products_repriced after update of price, price_per, unit, status, regular_price on products for each row
    when ((old.price, old.price_per, old.unit, old.status = 'published', old.regular_price is null)
          is distinct from (new.price, new.price_per, new.unit, new.status = 'published', new.regular_price is null))
    execute function products_repriced();

-- What not everybody sees is removed from what everybody finds; its document says who finds it.
alter table search_documents
    add column visible_to    uuid[],
    add column group_prices  jsonb,
    add column reduced       boolean not null default false;
create index search_documents_restricted on search_documents using gin (lexemes) where visible_to is not null;
