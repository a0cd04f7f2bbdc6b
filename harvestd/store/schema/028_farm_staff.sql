-- Staff of a farm: a role each, and since when; and whom the farm has invited.
alter table farm_members add column joined_at timestamptz;
update farm_members m set joined_at = f.created_at from farms f where f.id = m.farm_id;
alter table farm_members alter column joined_at set not null, alter column joined_at set default now(),
    add constraint farm_members_role_check check (role in ('owner', 'manager', 'packer', 'driver'));
create table farm_invitations (
    id           uuid primary key,
    farm_id      uuid not null references farms,
    email        text not null,
    email_key    text not null,
    role         text not null check (role in ('owner', 'manager', 'packer', 'driver')),
    token_hash   bytea unique,                    -- SHA-256: only the mail has the secret; null until it is written
    invited_by   uuid not null references users,
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    accepted_by  uuid references users,
    ended_at     timestamptz                      -- accepted, withdrawn, or replaced by a newer one
);
create unique index farm_invitations_open on farm_invitations (farm_id, email_key) where ended_at is null;
create index farm_invitations_farm on farm_invitations (farm_id, id desc) where ended_at is null;
