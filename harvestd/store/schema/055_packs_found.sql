-- Products are found by the titles and numbers of their packs, too: where there are packs, the documents of search are made anew.
insert into search_renewals (source, id)
select 'search', '00000000-0000-0000-0000-000000000000' where exists (select from product_variants where active)
on conflict (source, id) do update set after = default;
