-- Queues of a broker that were lost and had to be declared anew: the relay sends again what they had not handled.

create table outbox_again (
    queue  text primary key,
    due    timestamptz not null                 -- when it has surely been declared
);
