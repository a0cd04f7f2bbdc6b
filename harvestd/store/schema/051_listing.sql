-- Benefit programmes of the state that a farm takes as payment, as the directory of markets or the farm itself says.
alter table farms add column benefits text[] not null default '{}'
    check (benefits <@ '{snap,wic,wic_fmnp,senior_fmnp,incentives}');
create index farms_benefits on farms using gin (benefits);
alter table search_documents add column benefits text[] not null default '{}';

-- In which order orders were changed, for those who follow them, as 047 has it of products: one function for both. A farm is told of its own
-- orders alone, so that its parts have the number of their order, too.
alter function products_changed() rename to row_changed;
alter table orders add column changed_in bigint not null default 0;
alter table orders alter column changed_in set default pg_current_xact_id()::text::bigint;
alter table order_parts add column changed_in bigint not null default 0;
alter table order_parts alter column changed_in set default pg_current_xact_id()::text::bigint;
create trigger orders_changed before update of updated_at on orders for each row execute function row_changed();
create function order_changed() returns trigger language plpgsql as $$
begin
    update order_parts set changed_in = new.changed_in where order_id = new.id;
    return null;
end $$;
create trigger order_changed after update of updated_at on orders for each row execute function order_changed();
create index orders_changed on orders (changed_in, id) include (updated_at, status);
create index orders_of_buyer_changed on orders (buyer_id, changed_in, id);
create index order_parts_changed on order_parts (farm_id, changed_in, order_id);

-- What a site map is made of: where its parts begin, and when what is in each was changed last.
create index products_map on products (id) include (updated_at) where status = 'published';
create index farms_map on farms (id) include (updated_at) where state = 'verified';
