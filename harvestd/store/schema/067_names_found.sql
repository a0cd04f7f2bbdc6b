-- Every slug that a category has, or had: links and other systems name it by a former one. Unlike a farm's, which is its own for good, the staff may give a
-- former one to another category, which it means from then on.
create table category_slugs (
    slug        text primary key,
    category_id uuid not null references categories on delete cascade
);
create index category_slugs_category on category_slugs (category_id);
insert into category_slugs select slug, id from categories;
create function category_slug_changed() returns trigger language plpgsql as $$
begin
    insert into category_slugs (slug, category_id) values (new.slug, new.id) on conflict (slug) do update set category_id = excluded.category_id;
    return null;
end $$;
create trigger category_slug_changed after insert or update of slug on categories for each row execute function category_slug_changed();
-- Farms are found by parts of their names, in any order: each part is looked up by the threes of characters that it has.
create function grams(text) returns text[] language sql immutable parallel safe strict
return coalesce((select array_agg(distinct substr($1, n, 3)) from generate_series(1, length($1) - 2) as n), '{}');
create index farms_name_grams on farms using gin (grams(folded(name)));
-- Products are found by the names of their category in the market's other languages; those whose category has some are made anew in search.
alter table search_documents add column category_names jsonb not null default '{}';
insert into search_renewals (source, id)
select 'category', id from categories where translations <> '{}' on conflict (source, id) do update set after = excluded.after;
