-- How often the index of an engine was built anew of late, and why the one that it has now is not believed.
create table search_builds (
    alias    text primary key,
    times    integer not null default 0,    -- in a row: the more, the longer until the workers build it again
    built_at timestamptz,
    fault    text                           -- null once it is built anew
);
