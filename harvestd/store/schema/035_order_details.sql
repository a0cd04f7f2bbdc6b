-- When what an order has of a person was erased: where it went, what the buyer wrote, and the notices that tell of it. The books stay.
alter table orders add column erased_at timestamptz;
create index orders_over on orders (updated_at) where erased_at is null and status in ('completed', 'cancelled', 'expired');
create index notifications_order on notifications ((data->>'order_id'));
