-- What is sold by the piece may be priced by what it weighs: then `price` is for `price_per` of `weight_unit`, and so is the estimated weight of a piece.
-- A piece with a price of its own may have an estimated weight too, which offers are compared by.
alter table products
    add column priced_by        text check (priced_by = 'weight'),   -- null: as it is sold
    add column estimated_weight numeric(12,3) check (estimated_weight > 0),
    add column weight_unit      text check (weight_unit in ('kg', 'g', 'lb', 'oz')),
    add constraint products_weight_check check ((estimated_weight is null) = (weight_unit is null)),
    add constraint products_weighed_check check (priced_by is null or estimated_weight is not null);

-- Pack sizes of a product, which all come out of its one stock: each takes so much of the product's unit.
create table product_variants (
    id          uuid          primary key,
    product_id  uuid          not null references products,
    title       text          not null,
    unit        text          not null,
    price       bigint        not null check (price >= 0),
    takes       numeric(12,3) not null check (takes > 0),
    position    smallint      not null check (position >= 0),
    sku         text          not null default '',
    external_id text          check (external_id ~ '^[!-~]{1,64}$'),
    active      boolean       not null default true,      -- false: no longer offered; orders still name it
    created_at  timestamptz   not null,
    changed_at  timestamptz   not null
);
create index product_variants_product on product_variants (product_id, position);
alter table products add column variants smallint not null default 0 check (variants >= 0);
comment on column products.variants is 'How many pack sizes it is offered in: what a list is shown with costs nothing where there are none.';

-- A line of a pack counts packs; its reservation, what they take of the stock.
alter table order_lines
    add column variant_id       uuid references product_variants,
    add column takes            numeric(12,3) not null default 1 check (takes > 0),
    add column estimated_weight numeric(12,3) check (estimated_weight > 0),
    add column weight_unit      text check (weight_unit in ('kg', 'g', 'lb', 'oz')),
    add constraint order_lines_weight_check check ((estimated_weight is null) = (weight_unit is null));
create index order_lines_variant on order_lines (variant_id) where variant_id is not null;

-- A row of a cart is of a product, or of one of its packs: of one of them it has the id. A process of an older version, which goes on meanwhile,
-- goes on putting products in (it asks for the constraint on them by its columns), and does not see packs.
alter table cart_items drop constraint cart_items_pkey;
alter table cart_items alter column product_id drop not null;
alter table cart_items
    add column variant_id       uuid references product_variants,
    add column takes_seen       numeric(12,3),
    add column weight_seen      numeric(12,3),
    add column weight_unit_seen text,
    add constraint cart_items_product_key unique (cart_id, product_id),
    add constraint cart_items_variant_key unique (cart_id, variant_id),
    add constraint cart_items_one_check check ((product_id is null) <> (variant_id is null));
create unique index cart_items_key on cart_items (cart_id, (coalesce(variant_id, product_id)));

-- What a price is for is in the unit of the weight where that decides, in its history, too.
create or replace function products_priced() returns trigger language plpgsql as $$
begin
    insert into product_prices (product_id, price, price_per, unit, on_sale, reduced, since)
    select id, price, price_per, case when priced_by is null then unit else weight_unit end, status = 'published', regular_price is not null, updated_at
      from added order by id;
    return null;
end $$;
create or replace function products_repriced() returns trigger language plpgsql as $$
begin
    insert into product_prices (product_id, price, price_per, unit, on_sale, reduced, since)
    values (new.id, new.price, new.price_per, case when new.priced_by is null then new.unit else new.weight_unit end, new.status = 'published',
            new.regular_price is not null, new.updated_at);
    return null;
end $$;
drop trigger products_repriced on products;
create trigger products_repriced after update of price, price_per, unit, status, regular_price, priced_by, weight_unit on products for each row
    when ((old.price, old.price_per, case when old.priced_by is null then old.unit else old.weight_unit end, old.status = 'published', old.regular_price is null)
          is distinct from
          (new.price, new.price_per, case when new.priced_by is null then new.unit else new.weight_unit end, new.status = 'published', new.regular_price is null))
    execute function products_repriced();
