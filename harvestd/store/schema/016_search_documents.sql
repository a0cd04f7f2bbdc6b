-- What the listing sorts by, search sorts by, too.
alter table search_documents add column rating real not null default 0;
update search_documents d set rating = p.rating_average
  from products p where d.kind = 'product' and d.id = p.id and p.rating_average <> 0;

-- Tags are kept and asked for with their case folded: the few letters that folding changes and small letters do not.
update products set tags = (
       select array_agg(distinct replace(replace(replace(tag, U&'\00DF', 'ss'), U&'\03C2', U&'\03C3'), U&'\017F', 's')) from unnest(tags) tag)
 where array_to_string(tags, ' ') ~ U&'[\00DF\03C2\017F]';
