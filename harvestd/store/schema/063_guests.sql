-- An order is an account's or a guest's: of somebody without an account, who has said who they are ({name, email, phone, language}; empty once it is
-- erased), and shows themselves by a secret that was mailed to them. Of an order for somebody else it is known who has placed it.
alter table orders alter column buyer_id drop not null;
alter table orders
    add column guest     jsonb,
    add column placed_by uuid references users,
    add constraint orders_buyer_check check ((buyer_id is null) = (guest is not null));
create index orders_of_guests_over on orders (updated_at)
    where guest is not null and erased_at is null and status in ('completed', 'cancelled', 'expired');

-- SHA-256 of the secrets by which a guest's order is seen and cancelled, one in each mail about it.
create table order_keys (
    order_id    uuid not null references orders,
    hash        bytea not null check (octet_length(hash) = 32),
    created_at  timestamptz not null,
    primary key (order_id, hash)
);
