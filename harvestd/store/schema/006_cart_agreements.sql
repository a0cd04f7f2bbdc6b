-- What a buyer agrees to who puts a product into a cart is more than its price: all that makes the price mean what it does.
-- Null in a row of an older version, which goes on meanwhile: then what the product says now.
alter table cart_items add column unit_seen text, add column step_seen numeric(12,3), add column least_seen numeric(12,3);
update cart_items i set unit_seen = p.unit, step_seen = p.quantity_step, least_seen = p.min_quantity
  from products p where p.id = i.product_id;
