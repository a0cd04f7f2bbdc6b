-- What may come in the place of a product that is short, as its buyer wishes, and what else they say of it; and how much of it their cart had before
-- they signed in with another one, which had more.
alter table cart_items
    add column substitution    text not null default 'none' check (substitution in ('none', 'same_farm', 'any_farm', 'ask')),
    add column note            text not null default '',
    add column quantity_before numeric(12,3) check (quantity_before > 0);
