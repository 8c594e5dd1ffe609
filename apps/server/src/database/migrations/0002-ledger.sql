-- The ledger: what the server knows of each stored object, besides its bytes.

create table objects (
  repository_id uuid not null references repositories (id),
  kind text not null check (kind in ('config', 'data', 'index', 'keys', 'locks', 'snapshots')),
  name text not null check (name ~ '^[0-9a-f]{64}$' or (kind = 'config' and name = 'config')),
  size_bytes bigint not null check (size_bytes >= 0),
  -- When the server received it, by the server's clock: what retention goes by, since a snapshot's own time is the client's word.
  stored_at timestamptz not null,
  -- Null: an administrator stored it, or the row was made later from what the storage holds.
  stored_by_agent uuid references agents (id),
  -- When the object's bytes were last compared with its name. An upload is compared before it is kept.
  last_verified_at timestamptz,
  -- A deletion that has begun. If it was cut off, this tells a deleted object from a lost one.
  deleting_since timestamptz,
  -- When the object was found to be gone from the storage without a deletion: lost.
  missing_since timestamptz,
  primary key (repository_id, kind, name)
);

create index objects_snapshots on objects (repository_id, stored_at) where kind = 'snapshots';
create index objects_missing on objects (repository_id) where missing_since is not null;

-- What each repository holds, kept by the triggers below in the transaction that changes the ledger: a quota is asked at each upload,
-- and to add up a large ledger each time would make a backup quadratic.
create table repository_usage (
  repository_id uuid primary key references repositories (id),
  stored_bytes bigint not null default 0,
  object_count bigint not null default 0
);

create function add_to_repository_usage() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into repository_usage as usage (repository_id, stored_bytes, object_count)
      select repository_id, sum(size_bytes), count(*) from added group by repository_id order by repository_id
      on conflict (repository_id) do update
        set stored_bytes = usage.stored_bytes + excluded.stored_bytes,
            object_count = usage.object_count + excluded.object_count;
  elsif tg_op = 'DELETE' then
    update repository_usage as usage
      set stored_bytes = usage.stored_bytes - gone.bytes, object_count = usage.object_count - gone.objects
      from (select repository_id, sum(size_bytes) as bytes, count(*) as objects from removed group by repository_id) as gone
      where usage.repository_id = gone.repository_id;
  else
    update repository_usage as usage
      set stored_bytes = usage.stored_bytes + change.bytes
      from (
        select repository_id, sum(size_bytes) as bytes from (
          select repository_id, size_bytes from added
          union all
          select repository_id, -size_bytes from removed
        ) as changes group by repository_id
      ) as change
      where usage.repository_id = change.repository_id and change.bytes <> 0;
  end if;
  return null;
end
$$;

create trigger objects_added after insert on objects
  referencing new table as added for each statement execute function add_to_repository_usage();
create trigger objects_removed after delete on objects
  referencing old table as removed for each statement execute function add_to_repository_usage();
create trigger objects_changed after update on objects
  referencing old table as removed new table as added for each statement execute function add_to_repository_usage();
