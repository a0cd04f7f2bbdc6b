-- A pick-up point of the market that windows have been at stays for them and their orders, and is in no list any more.
alter table pickup_points add column archived_at timestamptz;
create index windows_at_farm_point on windows (farm_point_id) where farm_point_id is not null;

-- What an order shows of its window is the order's own: it was what its buyer chose, and it is renewed when the day is changed.
update order_parts p
   set fulfilment = coalesce(p.fulfilment, o.fulfilment) || jsonb_build_object('window', jsonb_build_object(
           'id', w.id, 'market_day_id', w.day_id, 'market_day_name', d.name, 'from', w.starts_at, 'to', w.ends_at))
  from orders o, windows w, market_days d
 where o.id = p.order_id and w.id = p.window_id and d.id = w.day_id;

-- By which version of its schedule a round was made, or renewed: those of an earlier one are to follow.
alter table market_rounds add column made_by integer not null default 0;
update market_rounds r set made_by = s.version from market_schedules s where s.id = r.schedule_id;

-- An order whose windows were moved has changed, too: before and after have its parts' fulfilments then, as `moves`.
alter table order_changes drop constraint order_changes_kind_check,
    add constraint order_changes_kind_check check (kind in ('amended', 'short', 'weighed', 'answered', 'moved'));
