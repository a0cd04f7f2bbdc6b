-- From where somebody signed in: a keyed digest of the address, or of its /64. Where somebody has signed in before, strangers' wrong
-- tries elsewhere do not keep him out.
alter table sign_ins add column place bytea;
create index sign_ins_place on sign_ins (user_id, place);
