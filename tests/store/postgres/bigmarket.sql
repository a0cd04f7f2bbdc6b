-- People, orders and what they leave behind, beside 100,000 products: enough that a plan which reads or sorts a whole table shows.
insert into users (id, email, email_key, username, username_key, name, password_hash, role, created_at, updated_at)
select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, n || '@example.org', n || '@example.org', 'u' || n, 'u' || n,
       'Person ' || n, 'x', 'buyer', now(), now() from generate_series(1, 10000) n;
update farms f set benefits = case when n % 3 = 0 then '{snap}'::text[] when n % 7 = 0 then '{wic,wic_fmnp}' else '{}' end
  from (select id, row_number() over (order by id) as n from farms) r where r.id = f.id;
insert into farm_members (farm_id, user_id)
select f.id, u.id from (select id, row_number() over (order by id) as n from farms) f
  join (select id, row_number() over (order by id) as n from users) u on u.n = f.n % 5000 + 1;
insert into sign_ins (id, user_id, created_at, expires_at)
select gen_random_uuid(), u.id, now(), now() + interval '30 days' from users u, generate_series(1, 3) n;
insert into refresh_tokens (id, family_id, user_id, token_hash, created_at, expires_at, used_at)
select gen_random_uuid(), s.id, s.user_id, sha256(s.id::text::bytea), s.created_at, s.expires_at, null from sign_ins s;
create temporary table placed as
select ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid as id, n,
       ('00000000-0000-7000-8000-' || lpad(to_hex(1 + (n::bigint * 7919) % 10000), 12, '0'))::uuid as buyer, p.id as product, p.farm_id as farm
  from generate_series(1, 24000) n
  join (select id, farm_id, row_number() over (order by id) as position from products) p
    on p.position = 1 + (n::bigint * 104729) % 100000;
insert into orders (id, number, buyer_id, status, currency, goods, total, fulfilment, placed_at, updated_at)
select id, 'H' || n, buyer, case when n % 20 = 0 then 'placed' else 'completed' end, 'EUR', 100, 100, '{}', now(), now() from placed;
insert into order_parts select id, farm, 0, case when n % 20 = 0 then 'placed' else 'completed' end, 100 from placed;
insert into order_lines select gen_random_uuid(), id, farm, 0, product, 'x', 1, 'each', 100, 100 from placed;
insert into reservations (line_id, order_id, product_id, quantity, state, expires_at, changed_at)
select id, order_id, product_id, 1, 'sold', null, now() from order_lines;
insert into notifications (id, user_id, kind, title, body, data, dedupe_key, created_at, read_at)
select gen_random_uuid(), buyer, 'order', 'x', 'x', '{}', 'k' || n, now(), case when n % 3 > 0 then now() end from placed;
insert into carts (id, user_id, updated_at) select id, id, now() from users;
insert into carts (id, token_hash, updated_at) select gen_random_uuid(), sha256(n::text::bytea), now() from generate_series(1, 10000) n;
insert into cart_items select c.id, p.product, 1, 100, now() from carts c join placed p on p.buyer = c.user_id on conflict do nothing;
insert into outbox (id, type, aggregate, version, data, trace, created_at, sent_at)
select id, 'order.created', 'order:' || id, 1, '{}', '{}', now() - interval '1 hour', case when n % 1000 > 0 then now() - interval '1 hour' end
  from placed;
insert into inbox (consumer, event_id, handled_at) select 'harvest.orders', id, now() from placed;
insert into idempotency_keys (user_id, key, fingerprint, status, headers, body, created_at)
select buyer, 'k' || n, '\x00', 201, '{}', '\x00', now() from placed;
insert into queue_messages (queue, message_id, type, body, available_at)
select 'harvest.orders', id, 'order.created', '{}', now() from placed;
insert into queue_dead (queue, message_id, type, body, attempts, cause)
select 'harvest.orders', id, 'order.created', '{}', 5, 'x' from placed where n % 2 = 0;
insert into mails (id, recipient, subject, body, dedupe_key, state, due_at, created_at, sent_at)
select id, 'x@example.org', 'x', 'x', 'k' || n, case when n % 1000 = 0 then 'pending' else 'sent' end, now(), now(),
       case when n % 1000 > 0 then now() end from placed;
insert into search_pending (kind, id) select 'product', product from placed on conflict do nothing;
