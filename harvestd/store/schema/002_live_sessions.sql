-- Whether a sign-in holds is asked for every signed-in caller, and each refresh leaves a used token behind for a month.
create index refresh_tokens_live on refresh_tokens (user_id, family_id) where used_at is null and revoked_at is null;
