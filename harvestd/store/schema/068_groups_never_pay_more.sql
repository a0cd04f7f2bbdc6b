-- What a product costs somebody of these groups: the lowest of their prices, or what everybody pays if that is lower still.
create or replace function price_for(price bigint, reduced boolean, prices jsonb, groups uuid[]) returns bigint language sql immutable parallel safe as $$
    select least(price, own)
      from (select min((g ->> 'price')::bigint) as own from jsonb_array_elements(prices) g where (g ->> 'group')::uuid = any(groups)) o
$$;
