-- When the owner of the account has shown that they read the mail sent to its address.
alter table users add column verified_at timestamptz;
-- Secrets mailed to an account's address: each is good once, for a short time, for one purpose, and for the address that it went to.
create table mailed_tokens (
    token_hash  bytea primary key,               -- SHA-256: only the mail has the secret
    user_id     uuid not null references users,
    purpose     text not null check (purpose in ('verify', 'reset', 'link')),
    email_key   text not null,
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    used_at     timestamptz
);
create index mailed_tokens_user on mailed_tokens (user_id, purpose, created_at);
create index mailed_tokens_age on mailed_tokens (expires_at);
