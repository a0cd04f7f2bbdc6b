-- Long work that somebody began: done by a worker in steps, each in one transaction with its progress.
create table operations (
    id           uuid primary key,
    kind         text not null,
    user_id      uuid not null references users,
    status       text not null default 'queued' check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    done         bigint not null default 0,
    total        bigint,                          -- null while unknown
    given        jsonb not null default '{}',     -- what was asked for
    state        jsonb not null default '{}',     -- where its next step begins
    result       jsonb,
    errors       jsonb not null default '[]',
    alone        boolean not null default false,  -- whether its owner has one of the kind at a time
    claims       integer not null default 0,      -- grows with each claim of a worker, which writes under its own alone
    tries        integer not null default 0,      -- claims since the last step that was committed
    due_at       timestamptz not null,            -- when its next step may be claimed: until then somebody has it, or it waits
    created_at   timestamptz not null,
    finished_at  timestamptz,
    check ((finished_at is not null) = (status in ('succeeded', 'failed', 'cancelled')))
);
create index operations_due on operations (due_at, id) where status in ('queued', 'running');
create index operations_user on operations (user_id, id desc);
create index operations_finished on operations (finished_at) where finished_at is not null;
create unique index operations_alone on operations (user_id, kind) where alone and status in ('queued', 'running');

-- The file that an operation makes, in pieces: written in the transactions of its steps, and deleted with its row.
create table operation_files (
    operation_id  uuid not null references operations on delete cascade,
    position      integer not null,
    content       bytea not null check (octet_length(content) <= 262144),
    primary key (operation_id, position)
);

-- When an account was deactivated by its owner, who may open it again; one that the staff have closed has no such time.
alter table users add column deactivated_at timestamptz;
alter table users add constraint users_deactivated_check check (deactivated_at is null or not active);
