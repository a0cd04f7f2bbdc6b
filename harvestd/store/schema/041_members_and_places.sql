-- What a farm's owners were told of one of its members, which is erased with that member's account.
create index notifications_member on notifications ((data->>'user_id')) where data->>'user_id' is not null;

-- A place that is known as the account's by a password that was set there by a mail: nobody has signed in by it.
alter table sign_ins drop constraint sign_ins_kind_check;
alter table sign_ins add constraint sign_ins_kind_check check (kind in ('tokens', 'browser', 'place'));
update sign_ins set kind = 'place' where ended_at = created_at and device = '' and kind = 'tokens';

-- A farm takes orders while it has an owner with an open account: somebody who answers for it, and can do all that an order may need. A packer alone
-- would hear of orders that nobody can cancel.
create or replace function keep_staffed(farm uuid) returns void language plpgsql as $$
begin
    perform from farms where id = farm for no key update;
    update farms f set staffed = not staffed
     where f.id = farm
       and f.staffed <> (f.state = 'verified' and exists (select from farm_members m join users u on u.id = m.user_id
                                                           where m.farm_id = farm and m.role = 'owner' and u.active));
end $$;
update farms f set staffed = not staffed
 where f.staffed <> (f.state = 'verified' and exists (select from farm_members m join users u on u.id = m.user_id
                                                       where m.farm_id = f.id and m.role = 'owner' and u.active));
