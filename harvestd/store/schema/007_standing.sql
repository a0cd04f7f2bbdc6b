-- What a person may do is remembered by every process for a while. Whoever changes it, and be it by hand, tells all of them with the
-- commit: this is the message of topic sessions:ended. (A commit that notifies waits for others that do; these are rare.)
-- An account that is closed has no sign-ins, also when it is opened again.
create function standing_changed() returns trigger language plpgsql as $$
begin
    if old.active and not new.active then
        update sign_ins set ended_at = now() where id in (
            select id from sign_ins where user_id = new.id and ended_at is null order by id for no key update);
    end if;
    perform pg_notify('harvest_topics', json_build_object(
        'c', 'sessions:ended', 'p', json_build_object('by', '', 'user', new.id)::text)::text);
    return null;
end $$;
create trigger standing_changed after update of role, active on users for each row
    when (old.role is distinct from new.role or old.active is distinct from new.active)
    execute function standing_changed();
