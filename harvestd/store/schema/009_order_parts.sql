-- How the goods reach the buyer is each farm's own matter: null in a part of an older version, then as its order says.
alter table order_parts add column fulfilment jsonb;
update order_parts p set fulfilment = '{"method": "pickup"}' from orders o
 where o.id = p.order_id and o.fulfilment ? 'pickup_point'
   and not exists (select from farms f where f.id = p.farm_id
                      and f.pickup_points @> jsonb_build_array(jsonb_build_object('id', o.fulfilment -> 'pickup_point' -> 'id')));
-- As what somebody took a step: buyer, farm, admin, or the clock. Null in a row of an older version.
alter table order_transitions add column actor text;
alter table users add column phone text;
