-- Buyer groups (members, wholesale, a social price), by which prices and visibility will go.
create table groups (
    id           uuid primary key,
    slug         text not null unique,
    name         text not null,
    name_key     text not null unique,           -- the name regardless of case
    description  text not null default '',
    version      integer not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null
);
create table group_members (
    group_id   uuid not null references groups on delete cascade,
    user_id    uuid not null references users,
    joined_at  timestamptz not null,
    primary key (group_id, user_id)
);
create index group_members_user on group_members (user_id);
create index group_members_joined on group_members (group_id, joined_at, user_id);
-- Every process remembers for a while which groups somebody is in. Whoever changes it, and be it by hand, tells all of them with the commit, as with
-- roles (007_standing.sql). What ends with its group needs no word: nothing has the id of a group that is gone.
create function group_member_changed() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and not exists (select from groups where id = old.group_id) then
        return null;
    end if;
    perform pg_notify('harvest_topics', json_build_object(
        'c', 'sessions:ended', 'p', json_build_object('by', '', 'user', coalesce(new.user_id, old.user_id))::text)::text);
    return null;
end $$;
create trigger group_member_changed after insert or update or delete on group_members for each row
    execute function group_member_changed();
-- The audit log is read by times, too; it grows in their order, so that the smallest kind of index does.
create index audit_at on audit using brin (at);
