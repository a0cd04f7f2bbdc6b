-- The places that a quote holds in windows, taken of them like those of orders: until it is ordered, replaced or over. A window that goes with its day, which was cancelled, takes them along.
create table quote_places (
    quote_id   uuid not null references quotes on delete cascade deferrable initially deferred,
    window_id  uuid not null references windows on delete cascade,
    orders     integer not null check (orders > 0),
    crates     bigint not null check (crates >= 0),
    grams      bigint not null check (grams >= 0),
    primary key (quote_id, window_id)
);
create index quote_places_of_window on quote_places (window_id);
-- Of a closed day, whether it closed because it was full: it opens again if a place returns before its cut-off.
alter table market_days add column closed_full boolean not null default false;
