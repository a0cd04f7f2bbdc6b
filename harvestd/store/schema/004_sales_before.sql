-- What a product had sold before its orders were kept here: a catalogue that is brought along, or made up, has a past.
alter table products add column sales_before integer not null default 0 check (sales_before >= 0);
