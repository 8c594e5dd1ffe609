-- Verification without keys: stored objects are read again, oldest first, and their SHA-256 is compared with their name.

alter table objects
  -- Of the config only, which is the one object that isn't named by its hash.
  add column sha256 text check (sha256 ~ '^[0-9a-f]{64}$'),
  -- No worker reads the object before then: another one has it in hand.
  add column verify_after timestamptz,
  -- An open finding is about this object: it is looked after there, and not read in turn.
  add column damaged_since timestamptz;

-- What was never read counts from when it was stored. Both are asked for the oldest, and for what is older than a time.
create index objects_to_verify on objects (tenant_id, coalesce(last_verified_at, stored_at))
  where deleting_since is null and missing_since is null and damaged_since is null;
create index objects_to_verify_in on objects (repository_id, coalesce(last_verified_at, stored_at))
  where deleting_since is null and missing_since is null and damaged_since is null;

-- Objects that are not what they should be, and what came of it. One open finding an object; closed ones are its history.
create table verification_findings (
  id uuid primary key,
  tenant_id uuid not null default current_tenant() references tenants (id),
  repository_id uuid not null references repositories (id) on delete cascade,
  kind text not null check (kind in ('config', 'data', 'index', 'keys', 'locks', 'snapshots')),
  name text not null,
  size_bytes bigint not null,
  what text not null check (what in ('damaged', 'missing', 'unreadable')),
  state text not null check (state in ('suspected', 'found', 'repairing', 'repaired', 'removed', 'lost')),
  -- What the reading gave, for people.
  detail text not null,
  found_at timestamptz not null,
  changed_at timestamptz not null,
  -- How often the object was read and wasn't right.
  readings integer not null default 1,
  -- When it is read again, in case it was mended or was never broken; null once the finding is closed.
  next_reading_at timestamptz,
  -- The job that works on it now, or was the last to.
  job_id uuid references jobs (id) on delete set null,
  -- Null: no agent has told.
  snapshots_at_risk text[]
);

create unique index verification_findings_open on verification_findings (repository_id, kind, name)
  where state in ('suspected', 'found', 'repairing', 'lost');
create index verification_findings_newest on verification_findings (tenant_id, found_at desc, id desc);
create index verification_findings_due on verification_findings (tenant_id, next_reading_at) where next_reading_at is not null;

-- Repositories that somebody wants verified now, whenever they were last.
create table verification_requests (
  tenant_id uuid not null default current_tenant() references tenants (id),
  repository_id uuid primary key references repositories (id) on delete cascade,
  requested_at timestamptz not null,
  finished_at timestamptz
);

create index verification_requests_open on verification_requests (tenant_id) where finished_at is null;

-- What was read in each hour, and how long that took.
create table verification_hours (
  tenant_id uuid not null default current_tenant() references tenants (id),
  hour timestamptz not null,
  read_objects bigint not null,
  read_bytes bigint not null,
  reading_ms bigint not null,
  primary key (tenant_id, hour)
);

-- Whose turn it is: a worker serves all tenants. Says nothing about a tenant but how much it has stored and how long it has waited.
create function verification_turns()
returns table (
  tenant_id uuid, stored_bytes bigint, oldest timestamptz, has_request boolean, has_running_job boolean, has_findings boolean
)
language sql stable security definer set search_path = public as $$
  select t.id,
    coalesce((select sum(u.stored_bytes) from repository_usage as u where u.tenant_id = t.id), 0)::bigint,
    (select coalesce(o.last_verified_at, o.stored_at) from objects as o
      where o.tenant_id = t.id and o.deleting_since is null and o.missing_since is null and o.damaged_since is null
      order by coalesce(o.last_verified_at, o.stored_at) limit 1),
    exists (select from verification_requests as r where r.tenant_id = t.id and r.finished_at is null),
    exists (select from jobs as j where j.tenant_id = t.id and j.state = 'running'),
    exists (select from verification_findings as f where f.tenant_id = t.id and f.next_reading_at is not null)
      or exists (select from objects as o where o.tenant_id = t.id and o.missing_since is not null and o.damaged_since is null)
  from tenants as t order by t.created_at, t.id
$$;

revoke execute on function verification_turns() from public;
grant execute on function verification_turns() to saveos_app;

do $$
declare
  owned text;
begin
  foreach owned in array array['verification_findings', 'verification_requests', 'verification_hours'] loop
    execute format('grant select, insert, update, delete on %I to saveos_app', owned);
    execute format('alter table %I enable row level security', owned);
    execute format(
      'create policy own_tenant on %I to saveos_app using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()))',
      owned
    );
  end loop;
end
$$;
