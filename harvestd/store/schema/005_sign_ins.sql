-- One row a sign-in: what refreshing, signing out and the second use of a token all lock, so that none misses what another does
-- beside it. (The tokens of a family had no row in common: a revoking update does not see the token that commits meanwhile.)
create table sign_ins (
    id          uuid primary key,                -- refresh_tokens.family_id, and what access tokens name as sid
    user_id     uuid not null references users,
    created_at  timestamptz not null,
    expires_at  timestamptz not null,            -- of its newest refresh token
    ended_at    timestamptz
);
-- One whose tokens were ever revoked has ended, whatever came of it since.
insert into sign_ins (id, user_id, created_at, expires_at, ended_at)
select family_id, (array_agg(user_id))[1], min(created_at), max(expires_at), max(revoked_at) from refresh_tokens group by family_id;
create index sign_ins_live on sign_ins (user_id, id desc) where ended_at is null;
create index sign_ins_age on sign_ins (expires_at);
drop index refresh_tokens_live;
