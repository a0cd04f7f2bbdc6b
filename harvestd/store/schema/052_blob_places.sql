-- Blobs in the order in which their store lists them (kernel/blob_keys.py: place), so that the two are compared by pages, whatever their number.
create function blob_place(id uuid, name text) returns text language sql immutable strict parallel safe
    return case when name like 'media%' then 'media/' else '' end || right(id::text, 2) || '/' || id::text || '.' || name;
create index blobs_in_places on blobs (blob_place(id, name) collate "C");
