-- Whether a passkey signs in without the password: no more after one was set by a mail, until it was used beside that.
alter table passkeys add column alone boolean not null default true;
