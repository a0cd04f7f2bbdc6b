-- A unit by its prices: from either end of all prices it may take the whole market to come upon one that is sold by the litre. In a large market it may be there
-- already, built beside everything else (docs/operations.md).
create index if not exists products_unit_price on products (unit, price, id) where status = 'published';
