-- When an account was deactivated by its owner, who may open it again; one that the staff have closed has no such time.
alter table users add column deactivated_at timestamptz;
alter table users add constraint users_deactivated_check check (deactivated_at is null or not active);
