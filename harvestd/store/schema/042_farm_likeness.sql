-- Names that people take for the same: whatever their case, accents, spaces and punctuation, and written with letters of another alphabet, or digits,
-- that look like these (after UTS #39, for Latin, Cyrillic, Greek and Armenian letters; i, l and 1 are one, since a capital i is an l in many typefaces).
create function likeness(text) returns text language sql immutable parallel safe strict
return coalesce(nullif(
    replace(replace(translate(
        regexp_replace(folded($1), U&'[\0001-\002F:-@\005B-\0060{-\00BF\2000-\206F\3000-\303F]', '', 'g'),
        'авсенкмортхуѕіјӏԁһԛԝѵгαβεζηικμνορτυχγϲϳոօսհցյ0i1',
        'abcehkmoptxysljldhqwvrabezhlkmvoptyxycjnouhgjoll'
    ), 'rn', 'm'), 'vv', 'w'), ''), folded($1));

alter table farms add column name_like text generated always as (likeness(name)) stored;
create index farms_name_like on farms (name_like) where state = 'verified';
