-- Market days that recur: a rule (RFC 5545, a part of it), days besides and left out, what becomes of public holidays, and what each day is like, by days and times of the
-- clock relative to its round. Days are made ahead; due_at is when the next is to be made, null if there is none any more.
create table market_schedules (
    id            uuid primary key,
    name          text not null,
    rule          text not null,
    first         date not null,
    exceptions    date[] not null default '{}',
    extra_days    date[] not null default '{}',
    country       text,
    subdivision   text,
    on_holiday    text not null check (on_holiday in ('keep', 'skip', 'next', 'previous')),
    rounds_ahead  integer check (rounds_ahead > 0),
    template      jsonb not null,
    due_at        timestamptz,
    version       integer not null default 1,
    created_at    timestamptz not null,
    updated_at    timestamptz not null
);
create index market_schedules_due on market_schedules (due_at, id) where due_at is not null;

-- The rounds that were made, each once, by its day of the rule: also of a day that was deleted since.
create table market_rounds (
    schedule_id  uuid not null references market_schedules on delete cascade,
    round        date not null,
    day_id       uuid references market_days on delete set null,
    primary key (schedule_id, round)
);
create index market_rounds_of_day on market_rounds (day_id);

-- In which window a farm's part of an order is handed over, and what an order takes of each: so much is returned when it is cancelled, once.
alter table order_parts add column window_id uuid references windows on delete set null;
create index order_parts_in_window on order_parts (window_id, order_id) where window_id is not null;
alter table order_lines add column load_grams bigint not null default 0 check (load_grams >= 0);
alter table order_lines add column load_crates bigint not null default 0 check (load_crates >= 0);
create table order_places (
    order_id   uuid not null references orders on delete cascade deferrable initially deferred,
    window_id  uuid not null references windows,
    orders     integer not null check (orders > 0),
    crates     bigint not null check (crates >= 0),
    grams      bigint not null check (grams >= 0),
    primary key (order_id, window_id)
);
create index order_places_of_window on order_places (window_id);

-- Whether there are market days at all, every process knows without asking: it is told when that may have changed.
create function market_days_changed() returns trigger language plpgsql as $$
begin
    perform pg_notify('harvest_topics', json_build_object('c', 'market_days:any', 'p', '')::text);
    return null;
end $$;
create trigger market_days_made after insert or delete on market_days for each statement execute function market_days_changed();
create trigger market_days_cancelled after update of status on market_days for each statement execute function market_days_changed();
