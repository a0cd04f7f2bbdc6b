-- What a price is for: so much of the product's own unit. A line of an order keeps what was agreed.
alter table products add column price_per numeric(12,3) not null default 1 check (price_per > 0);
alter table order_lines add column price_per numeric(12,3) not null default 1 check (price_per > 0);
-- Null in a row of an older version, which goes on meanwhile: then what the product says now.
alter table cart_items add column per_seen numeric(12,3) default 1;
alter table cart_items alter column per_seen drop default;
