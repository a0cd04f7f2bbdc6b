-- What must hold besides once every queue is empty and no worker has anything in hand. Same form as invariants.sql.

-- name: an event unsent, or a message still waiting
select id::text, type from outbox where sent_at is null union all select id::text, queue from queue_messages;

-- name: a sent event that a durable consumer neither handled nor gave up
select e.id, e.type, c.consumer
  from outbox e
  join (values ('harvest.orders', '{order.created,order.updated,order.amended,order.line_short,order.cancelled,order.expired,account.deleted,market_day.cancelled,market_day.changed}'::text[]),
               ('harvest.search', '{product.created,product.updated,product.deleted,farm.updated,category.updated}'),
               ('harvest.notifications', '{order.created,order.updated,order.amended,order.moved,order.line_short,order.line_weighed,order.completed,order.cancelled,order.expired,account.registered,account.mail_requested,account.verified,account.password_reset,account.address_changed,account.noted,account.deleted,account.exported,farm.member_invited,farm.verified,farm.suspended,farm.imprint_changed,farm.renamed,farm.member_joined,farm.member_left,farm.member_removed,farm.member_changed,farm.member_closed,market_day.closing_soon,market_day.closed,market_day.cancelled,market_day.changed}'),
               ('harvest.images', '{image.uploaded}'),
               ('harvest.analytics', '{order.created,order.updated,order.amended,order.moved,order.line_short,order.line_weighed,order.completed,order.cancelled,order.expired}'),
               ('harvest.cache', '{cache.invalidate,product.created,product.updated,product.deleted,order.created,order.updated,order.amended,order.moved,order.line_short,order.line_weighed,order.completed,order.cancelled,order.expired,farm.updated,category.updated}'))
       as c(consumer, types) on e.type = any(c.types)
 where e.sent_at is not null
   and not exists (select from inbox i where i.consumer = c.consumer and i.event_id = e.id)
   and not exists (select from queue_dead d where d.queue = c.consumer and d.message_id = e.id);

-- name: a placed order that is still no sale, though nothing is waited for
select o.id, o.number from orders o join reservations r on r.order_id = o.id
 where r.state = 'live' and r.expires_at is null;

-- name: daily totals that differ from the orders (the zero id is the whole market)
select d.farm_id, d.orders, d.goods, t.orders as counted, t.goods as summed
  from (select farm_id, sum(orders) as orders, sum(goods) as goods from daily_totals group by 1) d
  full join (select farm_id, count(*) as orders, sum(subtotal) as goods from order_parts group by 1
             union all
             select '00000000-0000-0000-0000-000000000000', count(distinct order_id), sum(subtotal) from order_parts
             having count(*) > 0) t
    on t.farm_id = d.farm_id
 where coalesce(d.orders, 0) <> coalesce(t.orders, 0) or coalesce(d.goods, 0) <> coalesce(t.goods, 0);

-- name: an order that its buyer or one of its farms was not told of by mail
select e.id, e.aggregate, w.key
  from outbox e
  join orders o on 'order:' || o.id = e.aggregate
  join lateral (select u.id || ':buyer' as key from users u where u.id = o.buyer_id and u.active
                union all
                select o.id || ':buyer' where o.guest ? 'email'
                union all
                select u.id || ':' || p.farm_id from order_parts p join farm_members f on f.farm_id = p.farm_id and f.joined_at <= e.created_at
                  join users u on u.id = f.user_id and u.active
                 where p.order_id = o.id and exists (select from order_transitions t where t.order_id = o.id and t.farm_id = p.farm_id and t.version = 1)) w on true
 where e.type = 'order.created' and e.created_at > now() - interval '1 day'
   and not exists (select from mails m where m.dedupe_key = e.id || ':' || w.key);

-- name: a mail or notice without the mark of the event that it tells of
select m.dedupe_key from (select dedupe_key, created_at from mails
                          union all select dedupe_key, created_at from notifications) m
 where m.created_at > now() - interval '1 day'
   and not exists (select from inbox i where i.consumer = 'harvest.notifications'
                                         and i.event_id::text = split_part(m.dedupe_key, ':', 1));

-- name: search documents that differ from the products
select p.id, p.revision, s.version, p.status, s.removed
  from products p join farms f on f.id = p.farm_id cross join lateral (select p.status = 'published' and f.state = 'verified' as found) o
  left join search_documents s on s.kind = 'product' and s.id = p.id
 where s.id is null or s.version <> p.revision or s.removed <> (not o.found or p.visible_to is not null)
    or s.visible_to is distinct from (case when o.found then p.visible_to end)
    or s.group_prices is distinct from (case when o.found then p.group_prices end);

-- name: a search document whose copy of a farm, a category or the product differs from it
select s.id, s.farm, f.slug as farm_slug, s.category, c.slug as category_slug
  from search_documents s join products p on s.kind = 'product' and p.id = s.id join farms f on f.id = p.farm_id
  left join categories c on c.id = p.category_id
 where not s.removed
   and (s.farm, s.farm_name, s.latitude, s.longitude, s.category, s.category_name, s.title, s.text, s.unit, s.price, s.tags,
        s.season_from, s.season_to, s.rating, s.in_stock, s.allergens, s.fresh_at)
       is distinct from
       (f.slug, f.name, f.latitude, f.longitude, c.slug, coalesce(c.name, ''), p.title, p.description, p.unit, p.price::bigint, p.tags,
        p.season_from, p.season_to, p.rating_average::real, p.stock > p.reserved, p.allergens,
        coalesce((p.harvested_on + time '12:00') at time zone 'UTC', p.shown_at, p.updated_at));

-- name: products whose search documents are still to be renewed
select source, id, after from search_renewals;

-- name: a search document that Elasticsearch does not hold as it is
select kind, id::text, since, refused from search_pending;

-- name: an order that shows a window of its market day as it is no more
select p.order_id, p.farm_id from order_parts p join windows w on w.id = p.window_id join market_days d on d.id = w.day_id
 where p.status not in ('completed', 'cancelled', 'expired')
   and (p.fulfilment #>> '{window,id}', p.fulfilment #>> '{window,market_day_name}',
        (p.fulfilment #>> '{window,from}')::timestamptz, (p.fulfilment #>> '{window,to}')::timestamptz)
       is distinct from (w.id::text, d.name, w.starts_at, w.ends_at);
