-- How many notices somebody has not read is told with every page of them.
create index notifications_unread on notifications (user_id, id desc) where read_at is null;
