-- With each batch of mails it is asked how many a recipient was sent within the hour, and whether any was left: an index for each,
-- and each mail in one of them.
drop index mails_recipient;
create index mails_recipient on mails (recipient, created_at) where state <> 'left';
create index mails_left_out on mails (recipient, created_at) where state = 'left';
