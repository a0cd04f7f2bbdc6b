-- What other systems keep with a farm, and what its buyers say of it.
alter table farms
    add column external_id    text check (external_id ~ '^[!-~]{1,64}$'),
    add column metadata       jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    add column rating_sum     integer not null default 0,
    add column rating_count   integer not null default 0,
    add column rating_average numeric(4,3) generated always as
                                  (case when rating_count = 0 then 0 else rating_sum::numeric / rating_count end) stored;
create unique index farms_external_id on farms (external_id) where external_id is not null;
-- Every slug that a farm has, or had: the addresses of former days lead to it, and nobody else takes one. A table of their own with the present
-- ones among them, kept by those of the farms, so that of two who want a slug at once one gets it, also where the other has just left it.
create table farm_slugs (
    slug    text primary key,
    farm_id uuid not null references farms on delete cascade
);
create index farm_slugs_farm on farm_slugs (farm_id);
insert into farm_slugs select slug, id from farms;
create function farm_slug_changed() returns trigger language plpgsql as $$
begin
    insert into farm_slugs (slug, farm_id) values (new.slug, new.id) on conflict (slug) do nothing;
    if not exists (select from farm_slugs where slug = new.slug and farm_id = new.id) then
        raise unique_violation using message = 'the slug is, or was, another farm''s', constraint = 'farms_slug_key';
    end if;
    return null;
end $$;
create trigger farm_slug_changed after insert or update of slug on farms for each row execute function farm_slug_changed();
-- Certificates with their last day; and the next day on which what a farm shows changes by itself, which a periodic task tells of.
alter table farms
    add column certificates jsonb not null default '[]' check (jsonb_typeof(certificates) = 'array'),
    add column turns_on     date;
create index farms_turns_on on farms (turns_on) where turns_on is not null;
-- Days on which a farm is away, [{from, to, note}] in the market's time zone; and the same as PostgreSQL compares them, which every card of a
-- product does: a column that follows from the other, so that nobody can forget it.
create function days_of(periods jsonb) returns datemultirange language sql immutable strict as $$
    select coalesce(range_agg(daterange((p ->> 'from')::date, (p ->> 'to')::date, '[]')), '{}') from jsonb_array_elements(periods) p
$$;
alter table farms
    add column away      jsonb not null default '[]' check (jsonb_typeof(away) = 'array'),
    add column away_days datemultirange not null generated always as (days_of(away)) stored;
-- Where a farm delivers, {areas: [{name, postcodes, radius_km, fee, minimum, free_from}], note}; pick-up points say where they are, and when they open.
alter table farms add column delivery jsonb check (jsonb_typeof(delivery) = 'object');
update farms set pickup_points = (
    select jsonb_agg(point || '{"position": null, "hours": ""}' order by place) from jsonb_array_elements(pickup_points) with ordinality as p(point, place))
 where pickup_points <> '[]';
-- Names and descriptions of categories in the market's other languages, {tag: {name, description}}.
alter table categories add column translations jsonb not null default '{}' check (jsonb_typeof(translations) = 'object');
