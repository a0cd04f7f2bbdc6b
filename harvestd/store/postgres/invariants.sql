-- What must hold of a market at rest: each statement returns no row. Run by `harvestctl check`, the tests and the benchmarks.
-- Each begins with `-- name:` and what it means when a row comes back.

-- name: stock below zero, or reserved above what is on hand
select id, slug, stock, reserved from products where stock < 0 or reserved < 0 or reserved > stock;

-- name: the stock ledger does not add up to the stock
select p.id, p.slug, p.stock, coalesce(sum(l.change), 0) as ledger
  from products p left join stock_ledger l on l.product_id = p.id
 group by p.id having p.stock <> coalesce(sum(l.change), 0);

-- name: sales and returns in the ledger differ from the reservations that became them
select coalesce(l.line_id, r.line_id) as line_id, l.sold, l.returned, l.change, r.state, r.quantity
  from (select line_id, count(*) filter (where kind = 'sale') as sold, count(*) filter (where kind = 'return') as returned, sum(change) as change
          from stock_ledger where line_id is not null and kind <> 'short' group by line_id) l
  full join (select line_id, state, quantity from reservations where state in ('sold', 'returned')) r on r.line_id = l.line_id
 where l.line_id is null or r.line_id is null or l.sold <> 1 or l.returned <> (r.state = 'returned')::integer
    or l.change <> case when r.state = 'sold' then -r.quantity else 0 end;

-- name: an operation without success that has a file, or whose file is not of the size that its result says
select o.id, o.kind, o.status from operations o
 where (o.status in ('failed', 'cancelled') and exists (select from operation_files f where f.operation_id = o.id))
    or (o.status = 'succeeded' and (o.result->>'size')::bigint
            is distinct from (select sum(octet_length(content)) from operation_files f where f.operation_id = o.id));

-- name: reserved differs from the live reservations
select p.id, p.slug, p.reserved, coalesce(sum(r.quantity), 0) as live
  from products p left join (select product_id, quantity from reservations where state = 'live'
                             union all select product_id, quantity from quote_holds) r on r.product_id = p.id
 group by p.id having p.reserved <> coalesce(sum(r.quantity), 0);

-- name: a quote that is held past its end, or holds nothing
select id, expires_at from quotes q
 where expires_at < now() - interval '60 seconds' or not exists (select from quote_holds h where h.quote_id = q.id);

-- name: the number of sales differs from the sold reservations
select p.id, p.slug, p.sales, p.sales_before, count(r.line_id) as sold
  from products p left join reservations r on r.product_id = p.id and r.state = 'sold'
 group by p.id having p.sales <> p.sales_before + count(r.line_id);

-- name: a product whose price is not the last one of its history
select p.id, p.slug, p.price, h.price as noted
  from products p left join lateral (select * from product_prices where product_id = p.id order by id desc limit 1) h on true
 where (h.price, h.price_per, h.unit, h.on_sale, h.reduced)
       is distinct from (p.price, p.price_per, case when p.priced_by is null then p.unit else p.weight_unit end, p.status = 'published',
                         p.regular_price is not null);

-- name: a markdown that ended over 60 s ago, and still counts
select id, slug, markdown_until from products where markdown_until < now() - interval '60 seconds';

-- name: an order without lines or parts, or a line without its reservation
select o.id, o.number from orders o
 where not exists (select from order_lines l where l.order_id = o.id)
    or not exists (select from order_parts p where p.order_id = o.id)
union all
select l.order_id, null from order_lines l where not exists (select from reservations r where r.line_id = l.id);

-- name: a reservation that differs from its line
select r.line_id, r.quantity, l.quantity as ordered, l.short_of, l.takes
  from reservations r join order_lines l on l.id = r.line_id
 where r.quantity <> (l.quantity - l.short_of) * l.takes or r.product_id <> l.product_id or r.order_id <> l.order_id;

-- name: a line of a pack of another product, or a product with another number of pack sizes than it says
select l.id, l.product_id from order_lines l join product_variants v on v.id = l.variant_id where v.product_id <> l.product_id
union all
select p.id, null from products p
 where p.variants <> (select count(*) from product_variants v where v.product_id = p.id and v.active);

-- name: a reservation whose state contradicts the status of its part
select r.line_id, r.state, p.status
  from reservations r join order_lines l on l.id = r.line_id
  join order_parts p on p.order_id = l.order_id and p.farm_id = l.farm_id
 where (p.status in ('cancelled', 'expired') or l.removed_at is not null) <> (r.state in ('returned', 'released', 'expired'))
    or (p.status = 'completed' and r.state = 'live' and r.expires_at is not null);

-- name: totals that differ from their lines
select l.id, l.total from order_lines l
  left join (values ('kg', 1000), ('g', 1), ('lb', 453.59237), ('oz', 28.349523125)) as s(unit, grams) on s.unit = l.weighed_unit
  left join (values ('kg', 1000), ('g', 1), ('lb', 453.59237), ('oz', 28.349523125)) as w(unit, grams) on w.unit = l.weight_unit
 where l.total <> least(l.agreed_total, case
       when l.weighed is null then div(2 * l.unit_price * (l.quantity - l.short_of) * coalesce(l.estimated_weight, 1) + l.price_per, 2 * l.price_per)
       else div(2 * l.unit_price * l.weighed * s.grams + l.price_per * w.grams, 2 * l.price_per * w.grams) end)
    or (l.replaces_line_id is null and l.weighed is null  -- only what it weighs, or what it replaces, is a reason for less than its price
        and l.agreed_total < div(2 * l.unit_price * (l.quantity - l.short_of) * coalesce(l.estimated_weight, 1) + l.price_per, 2 * l.price_per))
union all
select p.order_id, p.subtotal from order_parts p
 where p.subtotal <> (select coalesce(sum(l.total), 0) from order_lines l
                       where l.order_id = p.order_id and l.farm_id = p.farm_id and l.removed_at is null and not l.proposed)
union all
select o.id, o.total from orders o
 where o.total <> o.goods + o.fees - o.discount + case when coalesce((o.terms->>'tax_included')::boolean, false) then 0 else o.tax end
union all
select l.id, l.tax from order_lines l join orders o on o.id = l.order_id
 where l.tax <> case when coalesce((o.terms->>'tax_included')::boolean, false) then div(2 * (l.total - l.discount)::numeric * l.tax_rate + 100000 + l.tax_rate, 2 * (100000 + l.tax_rate))
                     else div(2 * (l.total - l.discount)::numeric * l.tax_rate + 100000, 200000) end
union all
select p.order_id, p.tax from order_parts p
  join (select order_id, farm_id, sum(tax) as tax, sum(discount) as discount
          from order_lines where removed_at is null and not proposed group by order_id, farm_id) l using (order_id, farm_id)
 where p.discount <> l.discount or p.tax < l.tax or (p.fees = 0 and p.tax <> l.tax)
union all
select o.id, o.fees from orders o
  join (select order_id, sum(fees) as fees, sum(tax) as tax, sum(discount) as discount from order_parts where status not in ('cancelled', 'expired') group by order_id) p
    on p.order_id = o.id
 where (o.fees, o.tax, o.discount) <> (p.fees, p.tax, p.discount)
union all
select o.id, o.goods from orders o
 where o.goods <> (select case when count(*) filter (where p.status not in ('cancelled', 'expired')) = 0 then o.goods
                               else sum(p.subtotal) filter (where p.status not in ('cancelled', 'expired')) end
                     from order_parts p where p.order_id = o.id);

-- name: a line and what came in its place that come to more than was agreed on for it, or a line in the place of one of another order
select l.id, l.total
  from order_lines l join order_lines s on s.replaces_line_id = l.id and s.removed_at is null
       join order_parts p on p.order_id = s.order_id and p.farm_id = s.farm_id
 where s.order_id <> l.order_id or s.replaces_line_id = s.id
    or (l.estimated_weight is null and s.estimated_weight is null and p.status not in ('cancelled', 'expired') and l.total + s.total > div(2 * l.unit_price * l.quantity + l.price_per, 2 * l.price_per));

-- name: a question that its buyer did not answer in time, and is still asked
select id, order_id, answer_by from order_lines where answer_by < now() - interval '120 seconds';

-- name: a question about what has left its farm, is over or taken out; or a line that is proposed about which nobody asks
select l.id, p.status from order_lines l join order_parts p on p.order_id = l.order_id and p.farm_id = l.farm_id
 where (l.answer_by is not null and (l.removed_at is not null or p.status not in ('placed', 'confirmed', 'ready')))
    or (l.proposed and l.removed_at is null and l.answer_by is null and p.status not in ('cancelled', 'expired'));

-- name: a coupon used more often than allowed, or by another number of orders than it says
select c.id, c.taken from coupons c
 where c.taken > c.uses_most or c.taken <> (select count(*) from coupon_uses u where u.coupon_id = c.id and u.returned_at is null)
union all
select p.coupon_id, p.taken from coupon_people p join coupons c on c.id = p.coupon_id
 where p.taken <> (select count(*) from coupon_uses u where u.coupon_id = p.coupon_id and u.user_id = p.user_id and u.returned_at is null);

-- name: two orders from one cart
select cart_id, count(*) from orders where cart_id is not null group by cart_id having count(*) > 1;

-- name: a committed order change without its outbox row
select t.order_id, t.version from (select order_id, version from order_transitions union select order_id, version from order_changes) t
 where t.version > (select coalesce(max(e.version), 0) from outbox e where e.aggregate = 'order:' || t.order_id)
   and exists (select from orders o where o.id = t.order_id and o.placed_at > now() - interval '6 days');

-- name: an event unsent for over 60 s
select id, type, created_at from outbox where sent_at is null and created_at < now() - interval '60 seconds';

-- name: a message with an expired lease or overdue for over 60 s
select id, queue, message_id from queue_messages
 where available_at < now() - interval '60 seconds' and (leased_until is null or leased_until < now() - interval '60 seconds');

-- name: a transition outside the table
select t.order_id, t.farm_id, t.from_status, t.to_status from order_transitions t
 where (t.from_status, t.to_status) not in (
       ('', 'placed'), ('placed', 'confirmed'), ('placed', 'cancelled'), ('placed', 'expired'), ('confirmed', 'ready'),
       ('confirmed', 'cancelled'), ('ready', 'out_for_delivery'), ('ready', 'completed'), ('ready', 'cancelled'),
       ('out_for_delivery', 'completed'), ('out_for_delivery', 'cancelled'));

-- name: a gap in an order's versions, or a part whose status is not its last transition
select o.id, o.version, count(distinct t.version) as steps
  from orders o join (select order_id, version from order_transitions union select order_id, version from order_changes) t on t.order_id = o.id
 group by o.id having o.version <> max(t.version) or o.version <> count(distinct t.version)
union all
select p.order_id, null, null from order_parts p
 where p.status <> (select t.to_status from order_transitions t
                     where t.order_id = p.order_id and t.farm_id = p.farm_id order by t.version desc limit 1);

-- name: an expired reservation not released
select line_id, order_id, expires_at from reservations where state = 'live' and expires_at < now() - interval '60 seconds';

-- name: a farm that takes orders nobody would answer for, or takes none though an owner would
select f.id, f.slug, f.staffed from farms f
 where f.staffed <> (f.state = 'verified' and exists (select from farm_members m join users u on u.id = m.user_id
                                                       where m.farm_id = f.id and m.role = 'owner' and u.active));

-- name: a farm whose slug is not among those that it has had, or another's
select f.id, f.slug from farms f left join farm_slugs s on s.slug = f.slug where s.farm_id is distinct from f.id;

-- name: a category whose slug is not among those that it has had, or another's
select c.id, c.slug from categories c left join category_slugs s on s.slug = c.slug where s.category_id is distinct from c.id;

-- name: a farm whose day came two days ago or longer, and was not told of
select id, slug, turns_on from farms where turns_on < current_date - 2;

-- name: a mail given up
select id, dedupe_key, cause from mails where state = 'failed';

-- name: the audit log was changed: a hash that is not of its row and the row before
select a.seq, a.action from audit a left join audit b on b.seq = a.seq - 1
 where a.hash <> audit_hash(coalesce(b.hash, ''), a) or (b.seq is null and a.seq <> 1)
union all
select h.seq, 'the head' from audit_head h
 where (h.seq, h.hash) <> (coalesce((select max(seq) from audit), 0), coalesce((select hash from audit order by seq desc limit 1), ''));

-- name: an account whose second factor is asked for without one, or not asked for though it has one
select u.id from users u
 where u.second_factor <> exists (select from second_factors f where f.user_id = u.id and f.confirmed_at is not null);

-- name: an account's picture that has no live blob, or a live one of a picture that nobody has
select u.id, u.avatar from users u
 where u.avatar is not null and not exists (select from blobs b where b.id::text = u.avatar and b.user_id = u.id and b.kind = 'avatar' and b.state <> 'dropped')
union all
select b.user_id, b.id::text from blobs b
 where b.kind = 'avatar' and b.state <> 'dropped' and not exists (select from users u where u.id = b.user_id and u.avatar = b.id::text);

-- name: a blob that is lost, or one dropped and not swept for three hours
select id, name, kind, state, changed_at from blobs
 where state = 'lost' or (state = 'dropped' and changed_at < now() - interval '3 hours');

-- name: a passkey that counts without its key, or has one and does not count
select f.id from second_factors f left join passkeys p on p.id = f.id
 where (f.kind = 'passkey' and f.confirmed_at is not null) <> (p.id is not null);

-- name: a farm's document without its live blob, or a live one without its document
select d.farm_id, d.id from farm_documents d join blobs b on b.id = d.id and b.name = d.name
 where b.state = 'dropped' or b.kind <> 'farm_document' or b.farm_id is distinct from d.farm_id
union all
select b.farm_id, b.id from blobs b
 where b.kind = 'farm_document' and b.state <> 'dropped' and not exists (select from farm_documents d where d.id = b.id and d.name = b.name);

-- name: a product's picture without its live blob, or a live one without its picture
select i.product_id, i.id from product_images i
 where i.blob is not null and not exists (select from blobs b where b.id = i.blob and b.kind = 'product_image' and b.state <> 'dropped'
   and (b.name = i.original) = (i.status = 'processing'))
union all
select b.farm_id, b.id from blobs b
 where b.kind = 'product_image' and b.state <> 'dropped' and not exists (select from product_images i where i.blob = b.id);

-- name: a product with another number of pictures than it says, or with a gap between them
select p.id, p.images, i.ready, i.number, i.last from products p
  join (select product_id, count(*) filter (where status = 'ready') as ready, count(*) as number, max(position) + 1 as last from product_images group by 1) i
    on i.product_id = p.id
 where p.images <> i.ready or i.number <> i.last or i.number > 12
union all
select p.id, p.images, 0, 0, 0 from products p where p.images > 0 and not exists (select from product_images i where i.product_id = p.id);

-- name: an account that is closed for good, and still in a group or a farm
select u.id from users u
 where u.anonymised_at is not null
   and (exists (select from group_members m where m.user_id = u.id) or exists (select from farm_members m where m.user_id = u.id));

-- name: a window that has given more than it holds, or whose places are not what orders and holds take of it
select w.id, w.taken_orders, w.taken_crates, w.taken_grams from windows w
  left join (select window_id, sum(orders) as orders, sum(crates) as crates, sum(grams) as grams
               from (select window_id, orders, crates, grams from order_places union all select window_id, orders, crates, grams from quote_places) o group by 1) p
    on p.window_id = w.id
 where (w.taken_orders, w.taken_crates, w.taken_grams) is distinct from (coalesce(p.orders, 0), coalesce(p.crates, 0), coalesce(p.grams, 0))
    or w.taken_orders > w.max_orders or w.taken_crates > w.max_crates or w.taken_grams > w.max_grams;

-- name: an order that has no place in the window of a part that is not over, or one in the window of none
select p.order_id, p.window_id from order_parts p
 where p.window_id is not null and p.status not in ('cancelled', 'expired')
   and not exists (select from order_places o where o.order_id = p.order_id and o.window_id = p.window_id and o.orders = 1)
union all
select o.order_id, o.window_id from order_places o
 where not exists (select from order_parts p where p.order_id = o.order_id and p.window_id = o.window_id and p.status not in ('cancelled', 'expired'));

-- name: a market day whose step came a minute ago or longer, and was not taken
select id, name, status, due_at from market_days where due_at < now() - interval '60 seconds';
