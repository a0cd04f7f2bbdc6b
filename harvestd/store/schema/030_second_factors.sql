-- Second factors: what a sign-in needs beside the password. Secrets are encrypted (store/encryption.py), recovery codes are hashed.
create table second_factors (
    id            uuid primary key,
    user_id       uuid not null references users,
    kind          text not null check (kind in ('totp')),
    name          text not null,
    secret        bytea not null,
    created_at    timestamptz not null,
    confirmed_at  timestamptz,                    -- it counts once a code of it was given
    last_step     bigint not null default 0,      -- of the newest code that was taken: none is good twice
    last_used_at  timestamptz
);
create index second_factors_user on second_factors (user_id, id);
create table recovery_codes (
    user_id    uuid not null references users,
    code_hash  bytea not null,                    -- SHA-256
    used_at    timestamptz,
    primary key (user_id, code_hash)
);
-- Whether the account has a factor that counts; kept by whoever changes that, under the lock of this row.
alter table users add column second_factor boolean not null default false;
