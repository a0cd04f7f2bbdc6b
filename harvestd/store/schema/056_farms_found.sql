-- Farms that are not verified, and their products, are in no list, search or feed: they are few, and each list asks for all of them.
create index farms_not_found on farms (id) where state <> 'verified';
-- What members of groups are suggested of what is theirs to find.
create index search_documents_for_groups on search_documents (title_key) where visible_to is not null;
-- What search has of products of farms that are not verified is written anew.
insert into search_renewals (source, id) select 'farm', id from farms where state <> 'verified' on conflict (source, id) do nothing;
