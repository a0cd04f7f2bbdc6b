-- What other systems keep with a farm, and what its buyers say of it.
alter table farms
    add column external_id    text check (external_id ~ '^[!-~]{1,64}$'),
    add column metadata       jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    add column rating_sum     integer not null default 0,
    add column rating_count   integer not null default 0,
    add column rating_average numeric(4,3) generated always as
                                  (case when rating_count = 0 then 0 else rating_sum::numeric / rating_count end) stored;
create unique index farms_external_id on farms (external_id) where external_id is not null;
