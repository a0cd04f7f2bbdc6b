-- Plain PostgreSQL 14 or newer, no extension. Money is bigint in minor units, quantities numeric(12,3), ids UUIDv7.

create table users (
    id            uuid primary key,
    email         text not null,
    email_key     text not null unique,          -- lower case: one address, one account
    username      text not null,
    username_key  text not null unique,
    name          text not null,
    password_hash text not null,
    role          text not null check (role in ('buyer', 'farmer', 'admin')),
    avatar        text,
    active        boolean not null default true,
    version       integer not null default 1,
    created_at    timestamptz not null,
    updated_at    timestamptz not null
);

-- One row a refresh token. The tokens of one sign-in are a family; a used one that comes again revokes all of it.
create table refresh_tokens (
    id          uuid primary key,
    family_id   uuid not null,
    user_id     uuid not null references users,
    token_hash  bytea not null unique,
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    used_at     timestamptz,
    revoked_at  timestamptz
);
create index refresh_tokens_family on refresh_tokens (family_id);
create index refresh_tokens_user on refresh_tokens (user_id);
create index refresh_tokens_age on refresh_tokens (expires_at);

create table farms (
    id              uuid primary key,
    slug            text not null unique,
    name            text not null,
    description     text not null default '',
    latitude        double precision check (latitude between -90 and 90),
    longitude       double precision check (longitude between -180 and 180),
    address         text not null default '',
    certifications  text[] not null default '{}',
    season_from     text,                        -- MM-DD, every year; or YYYY-MM-DD, once
    season_to       text,
    order_minimum   bigint not null default 0 check (order_minimum >= 0),
    pickup_points   jsonb not null default '[]', -- [{id, name, address}]
    source          text unique,                 -- where an import found it, e.g. usda:1008399
    version         integer not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    check ((latitude is null) = (longitude is null))
);
create index farms_position on farms (latitude, longitude);
create index farms_newest on farms (id desc);

create table farm_members (
    farm_id  uuid not null references farms,
    user_id  uuid not null references users,
    role     text not null default 'owner',
    primary key (farm_id, user_id)
);
create index farm_members_user on farm_members (user_id);

create table categories (
    id           uuid primary key,
    parent_id    uuid references categories,
    slug         text not null unique,
    name         text not null,
    description  text not null default '',
    icon         text not null default '',
    color        text not null default '',
    version      integer not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null
);

create table products (
    id             uuid primary key,
    slug           text not null unique,
    farm_id        uuid not null references farms,
    category_id    uuid references categories,
    title          text not null,
    description    text not null default '',
    unit           text not null check (unit in ('kg', 'g', 'lb', 'each', 'bunch', 'box', 'litre')),
    price          bigint not null check (price >= 0),
    stock          numeric(12,3) not null check (stock >= 0),
    reserved       numeric(12,3) not null default 0 check (reserved >= 0 and reserved <= stock),
    quantity_step  numeric(12,3) not null check (quantity_step > 0),
    min_quantity   numeric(12,3) not null check (min_quantity > 0),
    season_from    text,
    season_to      text,
    harvested_on   date,
    tags           text[] not null default '{}',
    status         text not null check (status in ('draft', 'published', 'archived')),
    upvote_count   integer not null default 0,
    view_count     bigint not null default 0,
    rating_sum     integer not null default 0,
    rating_count   integer not null default 0,
    rating_average numeric(4,3) generated always as
                       (case when rating_count = 0 then 0 else rating_sum::numeric / rating_count end) stored,
    sales          integer not null default 0,   -- lines sold and not returned
    version        integer not null default 1,   -- of what the farm says of it; If-Match
    revision       bigint not null default 1,    -- of all that search shows; grows with each product event
    created_at     timestamptz not null,
    updated_at     timestamptz not null
);
-- One index a sort of the listing; the id makes each key unique, which a keyset cursor needs.
create index products_newest on products (id desc) where status = 'published';
create index products_price on products (price, id) where status = 'published';
create index products_popular on products (sales desc, id desc) where status = 'published';
create index products_rating on products (rating_average desc, id desc) where status = 'published';
create index products_category on products (category_id, id desc) where status = 'published';
create index products_farm on products (farm_id, id desc);
create index products_tags on products using gin (tags) where status = 'published';

-- Every change of products.stock has a row here, and their sum is the stock.
create table stock_ledger (
    id          uuid primary key,
    product_id  uuid not null references products,
    kind        text not null check (kind in ('initial', 'restock', 'correction', 'sale', 'return')),
    change      numeric(12,3) not null,
    level       numeric(12,3) not null check (level >= 0),
    reason      text not null default '',
    line_id     uuid,
    created_at  timestamptz not null
);
create index stock_ledger_product on stock_ledger (product_id, id);
create unique index stock_ledger_once on stock_ledger (line_id, kind) where line_id is not null;

-- A cart belongs to a signed-in buyer or to whoever holds its token.
create table carts (
    id          uuid primary key,
    user_id     uuid unique references users,
    token_hash  bytea unique,
    updated_at  timestamptz not null,
    check (user_id is not null or token_hash is not null)
);

create table cart_items (
    cart_id     uuid not null references carts on delete cascade,
    product_id  uuid not null references products,
    quantity    numeric(12,3) not null check (quantity > 0),
    price_seen  bigint not null,                 -- the price when it was put in, for the warning when it moved
    added_at    timestamptz not null,
    primary key (cart_id, product_id)
);

create sequence order_numbers;                   -- gaps are fine, repeats are not

create table orders (
    id          uuid primary key,
    number      text not null unique,
    buyer_id    uuid not null references users,
    cart_id     uuid unique,                     -- the cart that it was made from: one cart makes one order
    status      text not null check (status in
                    ('placed', 'confirmed', 'ready', 'out_for_delivery', 'completed', 'cancelled', 'expired')),
    currency    text not null,
    goods       bigint not null check (goods >= 0),
    fees        bigint not null default 0 check (fees >= 0),
    tax         bigint not null default 0 check (tax >= 0),
    discount    bigint not null default 0 check (discount >= 0),
    total       bigint not null check (total >= 0),
    fulfilment  jsonb not null,
    note        text not null default '',
    placed_at   timestamptz not null,
    updated_at  timestamptz not null,
    version     integer not null default 1
);
create index orders_buyer on orders (buyer_id, id desc);

create table order_parts (
    order_id  uuid not null references orders,
    farm_id   uuid not null references farms,
    position  integer not null,
    status    text not null check (status in
                  ('placed', 'confirmed', 'ready', 'out_for_delivery', 'completed', 'cancelled', 'expired')),
    subtotal  bigint not null check (subtotal >= 0),
    primary key (order_id, farm_id)
);
create index order_parts_farm on order_parts (farm_id, order_id desc);

create table order_lines (
    id          uuid primary key,
    order_id    uuid not null,
    farm_id     uuid not null,
    position    integer not null,
    product_id  uuid not null references products,
    title       text not null,
    quantity    numeric(12,3) not null check (quantity > 0),
    unit        text not null,
    unit_price  bigint not null check (unit_price >= 0),
    total       bigint not null check (total >= 0),
    foreign key (order_id, farm_id) references order_parts
);
create index order_lines_order on order_lines (order_id);
create index order_lines_product on order_lines (product_id);

-- Every step of every part, from '' when it was placed; version is the order's after the step.
create table order_transitions (
    order_id    uuid not null references orders,
    version     integer not null,
    farm_id     uuid not null,
    from_status text not null,
    to_status   text not null,
    actor_id    uuid,
    reason      text not null default '',
    at          timestamptz not null,
    primary key (order_id, version, farm_id)
);

-- live -> sold -> returned, live -> released, live -> expired. expires_at is null where nothing is waited for.
create table reservations (
    line_id     uuid primary key references order_lines,
    order_id    uuid not null references orders,
    product_id  uuid not null references products,
    quantity    numeric(12,3) not null check (quantity > 0),
    state       text not null check (state in ('live', 'sold', 'returned', 'released', 'expired')),
    expires_at  timestamptz,
    changed_at  timestamptz not null
);
create index reservations_order on reservations (order_id);
create index reservations_live on reservations (product_id) where state = 'live';
create index reservations_due on reservations (expires_at) where state = 'live' and expires_at is not null;

create table idempotency_keys (
    user_id      uuid not null,
    key          text not null,
    fingerprint  bytea not null,                 -- SHA-256 of method, path and body
    status       integer not null,
    headers      jsonb not null,
    body         bytea not null,
    created_at   timestamptz not null,
    primary key (user_id, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);

-- Events, written in the transaction of the change that they tell of.
create table outbox (
    seq         bigint generated always as identity primary key,
    id          uuid not null unique,
    type        text not null,
    aggregate   text not null,
    version     integer not null,
    data        jsonb not null,
    trace       jsonb not null,
    created_at  timestamptz not null,
    sent_at     timestamptz
);
create index outbox_unsent on outbox (seq) where sent_at is null;
create index outbox_sent on outbox (sent_at) where sent_at is not null;
create index outbox_aggregate on outbox (aggregate, version);

-- What each consumer has done; written in the transaction of its effect.
create table inbox (
    consumer    text not null,
    event_id    uuid not null,
    handled_at  timestamptz not null default now(),
    primary key (consumer, event_id)
);
create index inbox_age on inbox (handled_at);

-- The broker without RabbitMQ. A taken message is leased to a consumer; it comes back when the lease runs out, or at once
-- when the consumer's session is gone. Taking changes no indexed column, and pages keep room for the changed rows (HOT).
create table queue_messages (
    id            bigint generated always as identity primary key,
    queue         text not null,
    message_id    uuid not null,
    type          text not null,
    body          bytea not null,
    attempts      integer not null default 0,
    available_at  timestamptz not null default now(),
    leased_by     bigint,                        -- queue_consumers.holder
    leased_until  timestamptz,
    created_at    timestamptz not null default now()
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0);
create index queue_messages_ready on queue_messages (queue, available_at, id);

-- Who consumes. holder is also the key of an advisory lock that the consumer's session holds: free means dead.
create table queue_consumers (
    holder      bigint primary key,
    queue       text not null,
    in_hand     bigint[] not null default '{}',  -- the messages of its last batch, so that the dead's are found by their key
    started_at  timestamptz not null default now()
);

create table queue_dead (
    id          bigint generated always as identity primary key,
    queue       text not null,
    message_id  uuid not null,
    type        text not null,
    body        bytea not null,
    attempts    integer not null,
    cause       text not null,
    died_at     timestamptz not null default now()
);
create index queue_dead_queue on queue_dead (queue, id);

-- What a person was told inside the market.
create table notifications (
    id          uuid primary key,
    user_id     uuid not null references users,
    kind        text not null,
    title       text not null,
    body        text not null,
    data        jsonb not null,
    dedupe_key  text not null unique,
    created_at  timestamptz not null,
    read_at     timestamptz
);
create index notifications_user on notifications (user_id, id desc);

-- Mail on its way out; dedupe_key makes one event one mail, and names its Message-ID.
create table mails (
    id          uuid primary key,
    recipient   text not null,
    subject     text not null,
    body        text not null,
    dedupe_key  text not null unique,
    state       text not null default 'pending' check (state in ('pending', 'sent', 'failed')),
    attempts    integer not null default 0,
    due_at      timestamptz not null,
    cause       text not null default '',
    created_at  timestamptz not null,
    sent_at     timestamptz
);
create index mails_due on mails (due_at) where state = 'pending';

-- Analytics: one row a day and farm; the zero uuid is the whole market.
create table daily_totals (
    day        date not null,
    farm_id    uuid not null,
    orders     integer not null default 0,
    cancelled  integer not null default 0,
    expired    integer not null default 0,
    completed  integer not null default 0,
    goods      bigint not null default 0,        -- of the orders placed that day, in minor units
    primary key (day, farm_id)
);

-- Full text search without extensions: stems by to_tsvector, typing errors by the trigrams of every word that occurs.
create table search_documents (
    kind           text not null check (kind in ('product', 'farm')),
    id             uuid not null,
    version        bigint not null,
    removed        boolean not null default false, -- kept as a tombstone, so that an older version cannot return
    in_stock       boolean not null default false,
    price          bigint,
    popularity     real not null default 0,
    latitude       double precision,
    longitude      double precision,
    fresh_at       timestamptz not null,
    indexed_at     timestamptz not null,         -- a rebuild buries what it has not met
    unit           text,
    farm           text,
    category       text,
    season_from    text,
    season_to      text,
    tags           text[] not null default '{}',
    title          text not null,
    farm_name      text not null default '',
    category_name  text not null default '',
    title_key      text collate "C" not null,    -- the words of a name, lower case, without accents, for prefixes
    farm_key       text collate "C" not null,
    category_key   text collate "C" not null,
    text           text not null default '',
    document       jsonb not null,
    lexemes        tsvector not null,            -- title A, category and tags B, farm C, text without positions
    primary key (kind, id)
);
alter table search_documents alter lexemes set storage main;  -- every match is ranked by it: the text moves out first
create index search_documents_lexemes on search_documents using gin (lexemes) where not removed;
create index search_documents_title on search_documents (title_key) where not removed;
create index search_documents_farm on search_documents (farm_key) where not removed;
create index search_documents_category on search_documents (category_key) where not removed;

-- Every word that occurs in a document. lexeme is its stem, null for a stop word.
create table search_words (
    word      text collate "C" primary key,
    lexeme    text collate "C",
    trigrams  text[] not null,
    seen_at   timestamptz not null
);
create index search_words_lexeme on search_words (lexeme);
create index search_words_trigrams on search_words using gin (trigrams);
