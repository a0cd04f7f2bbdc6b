-- In which order products were changed by their farms: by the number of the transaction that did. What another system has not seen are those
-- above its last one and below all transactions that still go on (pg_snapshot_xmin), so none can be committed behind its back.
alter table products add column changed_in bigint not null default 0;
alter table products alter column changed_in set default pg_current_xact_id()::text::bigint;
create function products_changed() returns trigger language plpgsql as $$
begin
    new.changed_in := pg_current_xact_id()::text::bigint;
    return new;
end $$;
create trigger products_changed before update of updated_at on products for each row execute function products_changed();
create index products_changed on products (farm_id, changed_in, id);

-- A file of products that is being imported, in pieces, as it was sent; and which row names which product. Both go with its operation.
create table product_import_pieces (
    operation_id  uuid not null references operations on delete cascade,
    position      integer not null,
    content       bytea not null check (octet_length(content) <= 262144),
    primary key (operation_id, position)
);
create table product_import_names (
    operation_id  uuid not null references operations on delete cascade,
    name          text not null,
    row           integer not null,
    primary key (operation_id, name)
);
