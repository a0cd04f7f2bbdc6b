-- What a person recognises a sign-in by in the list of their own; and when its owner last gave a credential, for what asks for one again.
alter table sign_ins
    add column kind         text not null default 'tokens' check (kind in ('tokens', 'browser')),
    add column device       text not null default '',        -- User-Agent, as far as it can be shown
    add column renewed_at   timestamptz,                      -- when its tokens were last refreshed
    add column confirmed_at timestamptz;
update sign_ins set confirmed_at = created_at;
alter table sign_ins alter column confirmed_at set not null, alter column confirmed_at set default now();
