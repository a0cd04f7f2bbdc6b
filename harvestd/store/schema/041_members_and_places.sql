-- A place that is known as the account's by a password that was set there by a mail: nobody has signed in by it.
alter table sign_ins drop constraint sign_ins_kind_check;
alter table sign_ins add constraint sign_ins_kind_check check (kind in ('tokens', 'browser', 'place'));
update sign_ins set kind = 'place' where ended_at = created_at and device = '' and kind = 'tokens';
