-- Whose products' search documents are to be made anew, since something that they copy changed: those of a farm or a category,
-- or all (of no id); done up to the product of the id "after".
create table search_renewals (
    source   text not null check (source in ('farm', 'category', 'search')),
    id       uuid not null,
    after    uuid not null default '00000000-0000-0000-0000-000000000000',
    primary key (source, id)
);
-- Words have another form from now on: an elided article is none.
insert into search_renewals (source, id)
select 'search', '00000000-0000-0000-0000-000000000000' where exists (select from products);
