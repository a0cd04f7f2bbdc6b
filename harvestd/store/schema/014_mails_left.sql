-- A recipient has at most so many mails an hour: those beyond are kept as "left", and not sent.
alter table mails drop constraint mails_state_check;
alter table mails add constraint mails_state_check check (state in ('pending', 'sent', 'failed', 'left'));
create index mails_recipient on mails (recipient, created_at);
