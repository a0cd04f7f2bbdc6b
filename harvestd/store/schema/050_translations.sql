-- Titles and descriptions of products in the market's other languages, {tag: {title, description}}.
alter table products add column translations jsonb not null default '{}' check (jsonb_typeof(translations) = 'object');
-- The title by which its buyer ordered it, where that was in another language than the farm's.
alter table order_lines add column title_seen text;
-- The same of what is found: {tag: [title, text]}.
alter table search_documents add column texts jsonb not null default '{}';
-- Titles in other languages as they are looked up by their beginning. Those of documents that were removed are not here.
create table search_titles (
    product_id uuid not null,
    language   text not null,
    key        text collate "C" not null,
    title      text not null,
    primary key (product_id, language)
);
create index search_titles_key on search_titles (language, key);
