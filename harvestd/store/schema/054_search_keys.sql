-- By what of a document is found that no word of its text is: the words of its title ("=carrot"), how well it stands whatever is asked, and the values
-- that are filtered by. They stand among its lexemes, so one look into one index finds the best hits of a query among very many. A query's words are
-- letters and digits alone and never meet one of these.
--
-- How it stands is the sum of ranking's points (market/search/ranking.py) that no query changes, but for those of its age: "^0" are the best; with the
-- points of a short title, which count where it has the words that are asked for, "~0". What is sold out is "~out". It is taken in steps of 0.02, so that a
-- document seldom moves: what is in another step is written into all its indices anew.
create function search_standing(in_stock boolean, title_key text, rating real, popularity real) returns text[]
    language sql immutable parallel safe as $$
    select case when not in_stock then array['~out'] else array[
               '^' || greatest(0, least(19, floor((0.25 - points) / 0.02)))::int,
               '~' || greatest(0, least(19, floor((0.45 - points - 0.2 / words) / 0.02)))::int] end
      from (select 0.02 * coalesce(nullif(rating, 0), 3) + 0.15 * greatest(0, popularity) / (greatest(0, popularity) + 20) as points,
                   greatest(1, cardinality(string_to_array(title_key, ' '))) as words) a
$$;

create function search_keys() returns trigger language plpgsql as $$
begin
    new.lexemes := new.lexemes || array_to_tsvector(
        search_standing(new.in_stock, new.title_key, new.rating, new.popularity)
        || array(select '=' || word from unnest(tsvector_to_array(ts_filter(new.lexemes, '{a}'))) as word)
        || array(select left('tag:' || tag, 500) from unnest(new.tags) as tag where tag is not null)
        || array(select left('benefit:' || benefit, 500) from unnest(new.benefits) as benefit where benefit is not null)
        || array_remove(array[
            left('category:' || new.category, 500), left('farm:' || new.farm, 500), left('unit:' || new.unit, 500),
            'price:' || width_bucket(new.price, '{0,200,500,1000,2000,5000,10000}'::bigint[]) - 1,
            'at:' || floor(new.latitude)::int || ':' || floor(new.longitude)::int], null));
    return new;
end $$;
-- What is updated is what was to be inserted, which has its keys: also if a process of an older version writes it.
create trigger search_keys before insert on search_documents for each row execute function search_keys();

-- Until all documents are made anew, only words are looked up.
insert into search_renewals (source, id)
select 'search', '00000000-0000-0000-0000-000000000000' where exists (select from products) on conflict (source, id) do update set after = excluded.after;

-- A category by its prices: from the other end of all prices it may take the whole market to come upon one of its goods.
create index products_category_price on products (category_id, price, id) where status = 'published';
