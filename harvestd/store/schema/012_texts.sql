-- Names are found however they are written: accents, case, apostrophes, ligatures. The same function folds the name and what is
-- asked for. Letters are taken apart (NFKD) before their case is changed, since in the C locale only ASCII has one.
create function folded(text) returns text language sql immutable parallel safe strict
return replace(replace(replace(replace(
    translate(
        lower(regexp_replace(
            normalize(translate($1, U&'\0027\2019\02BC\00B4\0060', ''), NFKD), U&'[\0300-\036F]', '', 'g'
        )),
        U&'\00D8\00F8\0141\0142\0110\0111\00D0\00F0\0131', 'oolldddd' || 'i'
    ), U&'\00DF', 'ss'), U&'\00E6', 'ae'), U&'\0153', 'oe'), U&'\00FE', 'th');

alter table farms add column name_folded text generated always as (folded(name)) stored;
