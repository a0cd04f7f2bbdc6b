-- Categories are found by their names in any language, whatever the case, accents apart where nothing is spelt like that.
create function names_of(name text, translations jsonb) returns text[] language sql immutable parallel safe strict
return array[folded($1)] || array(select folded(t.value ->> 'name') from jsonb_each($2) t where t.value ? 'name');
create index categories_names on categories using gin (names_of(name, translations));
