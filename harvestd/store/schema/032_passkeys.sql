-- Whether an account has a second factor decides what it may do, as its role does (setting second_factor_required_for): the same message
-- tells every process.
drop trigger standing_changed on users;
create trigger standing_changed after update of role, active, second_factor on users for each row
    when (old.role is distinct from new.role or old.active is distinct from new.active or old.second_factor is distinct from new.second_factor)
    execute function standing_changed();
-- Passkeys (WebAuthn): second factors that also sign in alone. There is no secret here, only the public key.
alter table second_factors drop constraint second_factors_kind_check;
alter table second_factors add constraint second_factors_kind_check check (kind in ('totp', 'passkey'));
alter table second_factors alter column secret drop not null;
alter table second_factors add constraint second_factors_secret_check check ((kind = 'totp') = (secret is not null));
create table passkeys (
    id             uuid primary key references second_factors on delete cascade,
    credential_id  bytea not null unique,         -- the authenticator's name of it
    public_key     bytea not null,                -- COSE (RFC 9052)
    sign_count     bigint not null,               -- of the newest answer; 0 for authenticators that do not count
    transports     text[] not null                -- how the browser reaches it: usb, internal …
);
-- What authenticators know an account by: random, so that a lost one does not tell whose it is. All passkeys of an account have the same.
alter table users add column passkey_handle bytea;
-- Challenges that were answered, until they expire: none is good twice.
create table used_challenges (
    hash        bytea primary key,                -- SHA-256
    expires_at  timestamptz not null
);
create index used_challenges_expires on used_challenges (expires_at);
