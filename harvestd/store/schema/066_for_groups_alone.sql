-- What is changed of a product for groups alone (their prices, which of them see it) is not for everybody to know: how many of its versions are, and
-- when everybody last saw a change, where that is before updated_at.
alter table products
    add column quiet     integer not null default 0 check (quiet >= 0 and quiet < version),
    add column shown_at  timestamptz;
create function product_changed() returns trigger language plpgsql as $$
begin
    new.changed_in := pg_current_xact_id()::text::bigint;
    new.shown_at := case when new.quiet > old.quiet and new.stock = old.stock then coalesce(old.shown_at, old.updated_at) end;
    return new;
end $$;
drop trigger products_changed on products;
create trigger products_changed before update of updated_at on products for each row execute function product_changed();
drop index products_map;
create index products_map on products (id) include (updated_at, shown_at) where status = 'published';
-- What a product costs somebody of these groups: the lowest of their prices, or what everybody pays if that is lower still.
create or replace function price_for(price bigint, reduced boolean, prices jsonb, groups uuid[]) returns bigint language sql immutable parallel safe as $$
    select least(price, own)
      from (select min((g ->> 'price')::bigint) as own from jsonb_array_elements(prices) g where (g ->> 'group')::uuid = any(groups)) o
$$;
