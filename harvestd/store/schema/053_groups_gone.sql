-- Products keep the ids of the groups that they name, also of groups that are gone: so every process is told that one is gone, with the commit,
-- and takes it from what it remembers of people.
create function group_gone() returns trigger language plpgsql as $$
begin
    perform pg_notify('harvest_topics', json_build_object('c', 'groups:gone', 'p', old.id::text)::text);
    return null;
end $$;
create trigger group_gone after delete on groups for each row execute function group_gone();
