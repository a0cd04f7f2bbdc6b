-- What the market's staff says of searches: words that mean the same, what comes first for a query, what counts more or less.
create table search_rules (
    id           uuid primary key,
    kind         text not null check (kind in ('synonym', 'pin', 'boost')),
    queries      text[] not null,                -- as they were typed; they are compared by their words
    means        text[] not null default '{}',   -- of a synonym that goes one way only: what the queries mean as well
    product_ids  uuid[] not null default '{}',   -- of a pin, the first first
    category_id  uuid references categories on delete cascade,
    farm_id      uuid references farms on delete cascade,
    tag          text,
    factor       numeric(4, 2) check (factor between 0.1 and 10),
    note         text not null default '',
    active       boolean not null default true,
    version      integer not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    check ((kind = 'boost') = (factor is not null)),
    check (num_nonnulls(category_id, farm_id, tag) = case when kind = 'boost' then 1 else 0 end)
);
-- Every process remembers them. Whoever changes one, or what one is about, tells all of them with the commit.
create function search_rules_changed() returns trigger language plpgsql as $$
begin
    perform pg_notify('harvest_topics', json_build_object('c', 'search:rules', 'p', '')::text);
    return null;
end $$;
create trigger search_rules_changed after insert or update or delete on search_rules for each statement
    execute function search_rules_changed();
create trigger search_rules_changed after update of slug, parent_id or delete on categories for each statement
    execute function search_rules_changed();
create trigger search_rules_changed after update of slug on farms for each statement execute function search_rules_changed();

-- What was searched for and not found, without anybody's name: how often in a day.
create table search_misses (
    day       date not null,
    query     text collate "C" not null,         -- its words, lower case, without accents
    language  text not null,
    area      text not null,                     -- a degree by a degree, or nothing
    count     integer not null,
    primary key (day, query, language, area)
);

-- What search filters by, and ranks by: the day of the harvest, if there is one.
alter table search_documents
    add column allergens text[] not null default '{}',
    add column codes     text[] not null default '{}',   -- numbers that find it, when they are all of the query
    add column also      text   not null default '';     -- found like its text, and not shown
update search_documents d
   set allergens = p.allergens, codes = array_remove(array[nullif(p.sku, ''), nullif(p.gtin, ''), p.external_id], null),
       also = case when p.origin || p.ingredients = '' then '' else p.origin || E'\n' || p.ingredients end,
       fresh_at = coalesce((p.harvested_on + time '12:00') at time zone 'UTC', p.updated_at)
  from products p
 where d.kind = 'product' and d.id = p.id and not d.removed and (p.allergens <> '{}' or p.harvested_on is not null or p.external_id is not null
                                                               or p.sku || p.gtin || p.origin || p.ingredients <> '');
-- Products are found by their numbers, ingredients and origin, too: their documents are made anew.
insert into search_renewals (source, id)
select 'search', '00000000-0000-0000-0000-000000000000' where exists (select from products) on conflict do nothing;
