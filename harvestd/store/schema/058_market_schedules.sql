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
