-- Whether an account has a second factor decides what it may do, as its role does (setting second_factor_required_for): the same message
-- tells every process.
drop trigger standing_changed on users;
create trigger standing_changed after update of role, active, second_factor on users for each row
    when (old.role is distinct from new.role or old.active is distinct from new.active or old.second_factor is distinct from new.second_factor)
    execute function standing_changed();
