-- Who did what, for whom, and what it was before: append-only, each row with the hash of the one before it, so that a row cannot be
-- changed or taken out without all that follow.
create table audit (
    seq         bigint primary key,
    id          uuid not null unique,
    at          timestamptz not null,
    actor_id    uuid references users,           -- null: the market itself
    subject_id  uuid references users,           -- for whom, or about whom
    action      text not null,
    object      text not null default '',        -- "<noun>:<id>"
    before      jsonb not null default '{}',
    after       jsonb not null default '{}',
    address     text not null default '',
    request_id  text not null default '',
    hash        bytea not null
);
create index audit_actor on audit (actor_id, seq desc);
create index audit_subject on audit (subject_id, seq desc);
create index audit_action on audit (action, seq desc);
create index audit_object on audit (object, seq desc);
create table audit_head (
    one   boolean primary key default true check (one),
    seq   bigint not null,
    hash  bytea not null
);
insert into audit_head (seq, hash) values (0, '');

create function audit_hash(before bytea, entry audit) returns bytea language sql stable as $$
    select sha256(before || convert_to(jsonb_build_array(
        entry.seq, entry.id, (extract(epoch from entry.at) * 1000000)::bigint, entry.actor_id, entry.subject_id, entry.action, entry.object,
        entry.before, entry.after, entry.address, entry.request_id)::text, 'UTF8'))
$$;
-- The head is locked until the commit, so that the order of the rows is that of their commits.
create function audit_append() returns trigger language plpgsql as $$
declare
    head audit_head;
begin
    select * into head from audit_head for update;
    new.seq := head.seq + 1;
    new.hash := audit_hash(head.hash, new);
    update audit_head set seq = new.seq, hash = new.hash;
    return new;
end $$;
create trigger audit_append before insert on audit for each row execute function audit_append();
create function audit_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only';
end $$;
create trigger audit_refuse before update or delete or truncate on audit for each statement execute function audit_refuse();

-- Whoever acts for somebody else is known by their sign-in.
alter table sign_ins add column actor_id uuid references users;
create index sign_ins_actor on sign_ins (actor_id) where actor_id is not null;
