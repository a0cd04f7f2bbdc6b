-- Messages of RabbitMQ that are handled alone, since their consumers ended with them in hand: how often that was so again.
create table queue_trials (
    queue       text not null,
    message_id  text not null,
    times       integer not null,
    tried_at    timestamptz not null,
    primary key (queue, message_id)
);
