-- A farm invites so many people a day, whatever became of the invitations.
create index farm_invitations_day on farm_invitations (farm_id, created_at);
