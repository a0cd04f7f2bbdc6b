-- Who does what one process at a time does: until when, and the fence that grows with each change of hands.

create table leases (
    name    text primary key,
    holder  bigint not null,                     -- an advisory lock of that process's session: when it can be had, the process is gone
    fence   bigint not null,
    until   timestamptz not null
);
