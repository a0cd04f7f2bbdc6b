-- What an Elasticsearch beside PostgreSQL's own search has still to be told. Empty without one.

create sequence search_marks;

-- A document that was indexed and that the engine is not known to hold as it is now.
create table search_pending (
    kind     text not null,
    id       uuid not null,
    mark     bigint not null default nextval('search_marks'),  -- grows with each change: who pushed an older one leaves the row
    since    timestamptz not null default now(),
    refused  text,                                             -- why the engine will not take it as it is
    primary key (kind, id)
);
create index search_pending_mark on search_pending (mark) where refused is null;

-- Indices that were built whole from search_documents, by the engine's own names of them: only these are asked.
create table search_engines (
    alias    text not null,
    uuid     text not null,
    built_at timestamptz not null default now(),
    primary key (alias, uuid)
);
