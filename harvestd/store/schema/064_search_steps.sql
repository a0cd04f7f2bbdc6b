-- Keys of search documents (054) by which hits are found in the order of a sort, and the best of a title in one look.
--
-- Where a document is in the order of a price, of sales or of ratings, as a step: a greater amount is never in a lower step. Amounts are in millionths, as searches
-- rank by them (search/postgres/orders.py). Prices have 16 steps to each doubling, in groups of one doubling ("price^8", "price^8.3"); sales two to each
-- doubling, of eights, so that a sale seldom moves a document; stars twenty each. More steps would be shorter lists of the index, and more of them to look into.
create function search_step(sort text, millionths bigint) returns int language plpgsql immutable parallel safe as $$
declare
    amount bigint := greatest(0, millionths) / case sort when 'price' then 1000000 when 'popular' then 8000000 else 50000 end;
    bits int := case sort when 'price' then 4 else 1 end;
    doublings int;
begin
    if sort = 'rating' then
        return least(100, amount);
    end if;
    if amount < 1 << bits then
        return amount;
    end if;
    doublings := length(ltrim(amount::bit(64)::text, '0')) - 1 - bits;
    return (doublings << bits) + (amount >> doublings);
end $$;

-- What is in one of these steps, from the lowest on: whole groups by their key. One after the other they are looked up several times as fast as all at once.
create function search_steps(sort text, low int, high int) returns table (step int, query tsquery) language sql immutable parallel safe as $$
    select k.step, quote_literal(key)::tsquery
      from (select size, (low + size - 1) / size as first, (high + 1) / size as last from (select case sort when 'price' then 16 else 1 end as size) s) g,
           lateral (select n * size as step, sort || '^' || n as key from generate_series(first, last - 1) as n
                    union all select n, sort || '^' || n / size || '.' || n % size from generate_series(low, least(high, first * size - 1)) as n
                    union all select n, sort || '^' || n / size || '.' || n % size from generate_series(last * size, high) as n where first <= last) k
     order by 1
$$;

-- All keys of a document. The words of its title stand also with how well it stands ("=carrot~3"): the best of a common word are one posting list,
-- which together they would have to be picked from.
create function search_keys_of(d search_documents) returns text[] language sql immutable parallel safe as $$
    select standing
           || array(select unnest(array['=' || word, '=' || word || standing[cardinality(standing)]]) from unnest(tsvector_to_array(ts_filter(d.lexemes, '{a}'))) as word)
           || array(select left('tag:' || tag, 500) from unnest(d.tags) as tag where tag is not null)
           || array(select left('benefit:' || benefit, 500) from unnest(d.benefits) as benefit where benefit is not null)
           || array['price^' || price / 16, 'price^' || price / 16 || '.' || price % 16,
                    'popular^' || search_step('popular', (1000000 * d.popularity::float8)::bigint), 'rating^' || search_step('rating', (1000000 * d.rating::float8)::bigint)]
           || array_remove(array[
                left('category:' || d.category, 500), left('farm:' || d.farm, 500), left('unit:' || d.unit, 500),
                'price:' || width_bucket(d.price, '{0,200,500,1000,2000,5000,10000}'::bigint[]) - 1,
                'at:' || floor(d.latitude)::int || ':' || floor(d.longitude)::int], null)
      from (select search_standing(d.in_stock, d.title_key, d.rating, d.popularity) as standing, search_step('price', 1000000 * coalesce(d.price, 0)) as price) s
$$;

create or replace function search_keys() returns trigger language plpgsql as $$
begin
    new.lexemes := new.lexemes || array_to_tsvector(search_keys_of(new));
    return new;
end $$;

-- What was written lately stands in a list beside the index, which each look goes through from end to end, and a search takes dozens of looks: so it is kept short
-- (128 kB are some hundred documents; 4 MB by default made each search 20 ms longer). Without it a document would cost half as much again.
alter index search_documents_lexemes set (gin_pending_list_limit = 128);
alter index search_documents_restricted set (gin_pending_list_limit = 128);
select gin_clean_pending_list('search_documents_lexemes'), gin_clean_pending_list('search_documents_restricted');

-- Documents get the keys that they lack a page at a time, by a worker; until all have them, only words are looked up.
alter table search_renewals drop constraint search_renewals_source_check,
    add constraint search_renewals_source_check check (source in ('farm', 'category', 'search', 'keys'));
insert into search_renewals (source, id) select 'keys', '00000000-0000-0000-0000-000000000000' where exists (select from search_documents);
