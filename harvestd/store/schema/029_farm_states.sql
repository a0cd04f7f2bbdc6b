-- A farm takes orders while the market has not suspended it, and, where the market approves farms, once it has.
alter table farms add column state text not null default 'verified' check (state in ('pending', 'verified', 'suspended'));
create or replace function keep_staffed(farm uuid) returns void language plpgsql as $$
begin
    perform from farms where id = farm for no key update;
    update farms f set staffed = not staffed
     where f.id = farm
       and f.staffed <> (f.state = 'verified' and exists (select from farm_members m join users u on u.id = m.user_id
                                                           where m.farm_id = farm and u.active));
end $$;
create function farm_state_changed() returns trigger language plpgsql as $$
begin
    perform keep_staffed(new.id);
    return null;
end $$;
create trigger farm_state_changed after update of state on farms for each row
    when (old.state is distinct from new.state) execute function farm_state_changed();
