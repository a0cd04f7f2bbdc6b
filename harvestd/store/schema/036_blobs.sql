-- Files of people and what was made of them: a row for each thing in the store of blobs, written in the unit of work that refers to it.
create table blobs (
    id          uuid        not null,           -- of all that was made of one upload
    name        text        not null check (name ~ '^[a-z0-9]{1,20}\.[a-z0-9]{1,5}$'),
    kind        text        not null check (kind in ('avatar', 'farm_document')),
    user_id     uuid references users (id),
    farm_id     uuid references farms (id),
    media_type  text        not null,
    size        bigint      not null check (size >= 0),
    sha256      text        not null check (sha256 ~ '^[0-9a-f]{64}$'),
    created_at  timestamptz not null,
    state       text        not null default 'live' check (state in ('live', 'dropped', 'lost')),
    changed_at  timestamptz not null,           -- when it got this state
    primary key (id, name),
    check (num_nonnulls(user_id, farm_id) = 1)
);
create index blobs_of_user on blobs (user_id) where user_id is not null;
create index blobs_of_farm on blobs (farm_id) where farm_id is not null;
create index blobs_to_sweep on blobs (changed_at) where state = 'dropped';
comment on column users.avatar is 'The id of its blobs; null: none.';

-- Papers of a farm, for those who run it and the market's staff: what says who it is and what it may call its goods.
create table farm_documents (
    id          uuid        primary key,        -- of its blob
    farm_id     uuid        not null references farms (id),
    kind        text        not null check (kind in ('organic_certificate', 'register_extract', 'hygiene_certificate', 'insurance', 'other')),
    title       text        not null,
    name        text        not null,
    added_by    uuid        not null references users (id),
    created_at  timestamptz not null,
    foreign key (id, name) references blobs (id, name)
);
create index farm_documents_of_farm on farm_documents (farm_id, id desc);
