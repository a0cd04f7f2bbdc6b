-- Orders that change: lines that are added, changed and taken out, shorts with what comes in their place, and weights.

-- What a line is by now. One that was taken out stays, for the ledger and the books; one that is proposed in place of another does not count until its
-- buyer accepts it, by answer_by. What is billed is `quantity` less `short_of`, or what it `weighed`, and never more than agreed_total (null: of an order
-- from before, whose lines have no such limit).
alter table order_lines
    add column substitution     text          not null default 'none' check (substitution in ('none', 'same_farm', 'any_farm', 'ask')),
    add column note             text          not null default '',
    add column agreed_total     bigint        check (agreed_total >= 0),
    add column short_of         numeric(12,3) not null default 0,
    add column weighed          numeric(12,3) check (weighed > 0),
    add column weighed_unit     text          check (weighed_unit in ('kg', 'g', 'lb', 'oz')),
    add column replaces_line_id uuid          references order_lines,
    add column proposed         boolean       not null default false,
    add column answer_by        timestamptz,
    add column removed_at       timestamptz,
    add constraint order_lines_short_check check (short_of between 0 and quantity),
    add constraint order_lines_scale_check check ((weighed is null) = (weighed_unit is null) and (weighed is null or estimated_weight is not null));
create index order_lines_asked on order_lines (answer_by) where answer_by is not null;
create index order_lines_replacing on order_lines (replaces_line_id) where replaces_line_id is not null;

-- One row for each change of an order that is no step of a part: `version` is the order's after it; before and after are its lines, of those that changed,
-- and its totals.
create table order_changes (
    order_id  uuid        not null references orders,
    version   integer     not null,
    kind      text        not null check (kind in ('amended', 'short', 'weighed', 'answered')),
    actor     text        not null check (actor in ('buyer', 'farm', 'admin', 'clock')),
    actor_id  uuid,
    reason    text        not null default '',
    before    jsonb       not null,
    after     jsonb       not null,
    at        timestamptz not null,
    primary key (order_id, version)
);

-- Of a line that is short nothing may be left. What a change of a sold line takes or gives back has a row of its own, and so has what was short, which is
-- written off.
alter table reservations drop constraint reservations_quantity_check, add constraint reservations_quantity_check check (quantity >= 0);
alter table stock_ledger drop constraint stock_ledger_kind_check,
    add constraint stock_ledger_kind_check check (kind in ('initial', 'restock', 'correction', 'sale', 'return', 'amendment', 'short'));
drop index stock_ledger_once;
create unique index stock_ledger_once on stock_ledger (line_id, kind) where line_id is not null and kind in ('sale', 'return');
