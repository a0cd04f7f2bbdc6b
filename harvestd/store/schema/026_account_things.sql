-- What an account keeps: delivery addresses, consents, and keys for integrations.
create table addresses (
    id          uuid not null,                   -- the client's own choice
    user_id     uuid not null references users,
    label       text not null default '',
    recipient   text not null,
    address     text not null,
    phone       text,
    note        text not null default '',
    version     integer not null default 1,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    primary key (user_id, id)
);
-- Append-only: what was agreed to, or no longer, when, and in which version of the text.
create table consents (
    user_id     uuid not null references users,
    kind        text not null,
    version     text not null,
    agreed      boolean not null,
    at          timestamptz not null,
    primary key (user_id, kind, at)
);
create table api_keys (
    id            uuid primary key,
    user_id       uuid not null references users,
    name          text not null,
    hint          text not null,                 -- its first characters, by which its owner knows it
    secret_hash   bytea not null unique,         -- SHA-256
    scopes        text[] not null,
    created_at    timestamptz not null,
    expires_at    timestamptz,
    last_used_at  timestamptz,
    ended_at      timestamptz
);
create index api_keys_user on api_keys (user_id, id desc) where ended_at is null;
-- An account whose person is gone: the books keep its id.
alter table users add column anonymised_at timestamptz;
-- A new address becomes the account's once its mail was read.
alter table mailed_tokens add column email text, drop constraint mailed_tokens_purpose_check,
    add constraint mailed_tokens_purpose_check check (purpose in ('verify', 'reset', 'link', 'address'));
-- Managers run the market's days, members and moderation.
alter table users drop constraint users_role_check,
    add constraint users_role_check check (role in ('buyer', 'farmer', 'manager', 'admin'));
