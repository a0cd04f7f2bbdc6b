-- By how much the market's clock is ahead of the machine's, in microseconds: only that of a sandbox is ever moved, and only forward. While somebody moves it,
-- until the time of the machine in moving_until, the periodic tasks leave what is due to them.
create table market_clock (
    id           boolean primary key default true check (id),
    ahead        bigint not null default 0 check (ahead >= 0),
    version      integer not null default 0,
    moving_until timestamptz not null default '-infinity'
);
insert into market_clock default values;

-- Places where goods of several farms are picked up. Those of one farm are with it (farms.pickup_points).
create table pickup_points (
    id          uuid primary key,
    name        text not null,
    address     text not null default '',
    latitude    double precision,
    longitude   double precision,
    hours       text not null default '',
    max_orders  integer check (max_orders > 0),
    max_crates  integer check (max_crates > 0),
    max_grams   bigint check (max_grams > 0),
    version     integer not null default 1,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    check ((latitude is null) = (longitude is null))
);

-- Rounds of selling. ends_at is when the last goods have been handed over; due_at when the next step comes by itself, null if none does any more.
create table market_days (
    id             uuid primary key,
    name           text not null,
    status         text not null check (status in ('planned', 'open', 'closed', 'done', 'cancelled')),
    opens_at       timestamptz not null,
    closes_at      timestamptz not null,
    ends_at        timestamptz not null,
    due_at         timestamptz,
    soon_told      boolean not null default false,
    all_farms      boolean not null default true,
    holds_minutes  integer not null check (holds_minutes > 0),
    metadata       jsonb not null default '{}',
    edited         boolean not null default false,
    version        integer not null default 1,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    check (closes_at > opens_at),
    check (ends_at >= closes_at)
);
create index market_days_due on market_days (due_at, id) where due_at is not null;
create index market_days_listed on market_days (opens_at, id);
create index market_days_by_status on market_days (status, opens_at, id);

-- The farms that take part in a day, unless all do; each may close so long before the day.
create table market_day_farms (
    day_id        uuid not null references market_days on delete cascade,
    farm_id       uuid not null references farms on delete cascade,
    position      integer not null,
    lead_minutes  integer not null default 0 check (lead_minutes >= 0),
    primary key (day_id, farm_id)
);
create index market_day_farms_of_farm on market_day_farms (farm_id);

-- When and where the goods of a day reach their buyers, how many of them, and what is taken of that. A window for pick-up is at a point of the market or of a farm.
create table windows (
    id             uuid primary key,
    day_id         uuid not null references market_days on delete cascade,
    position       integer not null,
    method         text not null check (method in ('pickup', 'delivery')),
    point_id       uuid references pickup_points,
    farm_id        uuid references farms on delete cascade,
    farm_point_id  uuid,
    area           jsonb,
    starts_at      timestamptz not null,
    ends_at        timestamptz not null,
    max_orders     integer check (max_orders > 0),
    max_crates     integer check (max_crates > 0),
    max_grams      bigint check (max_grams > 0),
    taken_orders   integer not null default 0,
    taken_crates   bigint not null default 0,
    taken_grams    bigint not null default 0,
    check (ends_at > starts_at),
    check (method = 'pickup' or (point_id is null and farm_point_id is null)),
    check ((farm_id is null) = (farm_point_id is null)),
    constraint windows_orders check (taken_orders >= 0 and (max_orders is null or taken_orders <= max_orders)),
    constraint windows_crates check (taken_crates >= 0 and (max_crates is null or taken_crates <= max_crates)),
    constraint windows_grams check (taken_grams >= 0 and (max_grams is null or taken_grams <= max_grams))
);
create index windows_of_day on windows (day_id, position);
create index windows_at_point on windows (point_id) where point_id is not null;
