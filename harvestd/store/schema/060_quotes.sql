-- What was quoted and is held for whoever asked: prices, and stock, until it is ordered or its time is over; then it is gone. A person has one at most, and
-- so has a guest's cart.
create table quotes (
    id          uuid primary key,
    user_id     uuid unique references users,
    token_hash  bytea unique,                     -- of the guest's cart
    content     jsonb not null,
    day         date not null,                    -- on which it was asked for: seasons and holidays are those of that day
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    check (num_nonnulls(user_id, token_hash) = 1)
);
create index quotes_due on quotes (expires_at);
-- What it holds of each product, which is reserved of it like what is ordered.
create table quote_holds (
    quote_id    uuid not null references quotes on delete cascade,
    product_id  uuid not null references products,
    quantity    numeric(12,3) not null check (quantity > 0),
    primary key (quote_id, product_id)
);
create index quote_holds_product on quote_holds (product_id);
