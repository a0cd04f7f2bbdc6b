-- Farms that are not verified, and their products, are in no list, search or feed: they are few, and each list asks for all of them.
create index farms_not_found on farms (id) where state <> 'verified';
-- What search has of their products is written anew.
insert into search_renewals (source, id) select 'farm', id from farms where state <> 'verified' on conflict (source, id) do nothing;
