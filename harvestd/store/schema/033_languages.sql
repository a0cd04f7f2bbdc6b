-- The language that a person wants to be written to in: one of the market's, or null for its first.
alter table users add column language text check (language ~ '^[A-Za-z0-9-]{2,35}$');
-- Mails are stored as they are sent. What there was before was English.
alter table mails add column language text not null default 'en';
-- A notice is stored in the language of its person, with the facts from which it is told in another.
alter table notifications add column language text not null default 'en', add column facts jsonb not null default '{}';
