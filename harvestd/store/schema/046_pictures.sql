-- Pictures of products: the original until it has been made in each size, then what was made of it.
alter table blobs drop constraint blobs_kind_check;
alter table blobs add constraint blobs_kind_check check (kind in ('avatar', 'farm_document', 'product_image'));
create table product_images (
    id         uuid        primary key,
    product_id uuid        not null references products (id),
    status     text        not null default 'processing' check (status in ('processing', 'ready', 'failed')),
    blob       uuid,                            -- id of its blobs: the original's while it is processed, then those of all sizes
    original   text        not null,            -- the name of the original's blob
    alt        text        not null default '',
    position   smallint    not null check (position >= 0),
    width      integer     not null check (width > 0),      -- of the original, upright
    height     integer     not null check (height > 0),
    color      text        check (color ~ '^#[0-9a-f]{6}$'),
    sizes      json,                            -- as the contract shows them
    reason     text        check (reason in ('damaged', 'kind', 'too-many-pixels', 'too-heavy', 'refused')),
    tries      smallint    not null default 0,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    unique (product_id, position) deferrable initially deferred,
    check ((status = 'ready') = (color is not null and sizes is not null)),
    check ((status = 'failed') = (reason is not null)),
    check ((status = 'failed') = (blob is null))
);
create index product_images_of_blob on product_images (blob) where blob is not null;
alter table products add column images smallint not null default 0 check (images >= 0);
comment on column products.images is 'How many of its pictures are ready: what a list is shown with costs nothing where there are none.';
