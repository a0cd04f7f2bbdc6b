-- Accounts that people have elsewhere (OpenID Connect), by which they sign in here: the subject of an issuer is one account's.
create table identities (
    id            uuid primary key,
    user_id       uuid not null references users,
    issuer        text not null,
    subject       text not null,
    email         text not null,                  -- what the issuer had verified when it was linked
    email_key     text not null,
    created_at    timestamptz not null,
    last_used_at  timestamptz not null,
    unique (issuer, subject)
);
create index identities_user on identities (user_id, id);
-- States of sign-ins elsewhere that were used: each is good once. What is begun is in the cookie of the browser alone.
create table spent_states (
    state_hash  bytea primary key,                -- SHA-256
    expires_at  timestamptz not null
);
create index spent_states_age on spent_states (expires_at);
