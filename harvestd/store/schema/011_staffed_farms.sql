-- Whether anybody would hear of an order of a farm: somebody with an open account belongs to it. A column, since every card of a
-- product shows it; kept by the tables that it follows from, so that nobody who writes to them can forget it.
alter table farms add column staffed boolean not null default false;
update farms f set staffed = true
 where exists (select from farm_members m join users u on u.id = m.user_id where m.farm_id = f.id and u.active);

-- The farm is locked before anybody looks, so that of two who leave at once the second sees that nobody is left.
create function keep_staffed(farm uuid) returns void language plpgsql as $$
begin
    perform from farms where id = farm for no key update;
    update farms f set staffed = not staffed
     where f.id = farm
       and f.staffed <> exists (select from farm_members m join users u on u.id = m.user_id
                                 where m.farm_id = farm and u.active);
end $$;

create function member_changed() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then perform keep_staffed(old.farm_id); end if;
    if tg_op <> 'DELETE' then perform keep_staffed(new.farm_id); end if;
    return null;
end $$;
create trigger member_changed after insert or update or delete on farm_members for each row execute function member_changed();

create function account_changed() returns trigger language plpgsql as $$
begin
    perform keep_staffed(farm_id) from (select farm_id from farm_members where user_id = new.id order by farm_id) m;
    return null;
end $$;
create trigger account_changed after update of active on users for each row
    when (old.active is distinct from new.active) execute function account_changed();
