-- Deletion needs two: what is deleted goes to quarantine, by grants that end, and what lets more be deleted waits a day.

alter table tenants add column quarantine_days integer not null default 14 check (quarantine_days between 1 and 365);
grant update (quarantine_days) on tenants to saveos_app;

alter table jobs drop constraint jobs_kind_check;
alter table jobs add check (kind in ('backup', 'restore', 'check', 'forget', 'prune', 'repair'));
-- A plan's forget must not stand in the way of its next backup.
drop index jobs_unfinished_of_plan;
create unique index jobs_unfinished_of_plan on jobs (plan_id, agent_id, kind) where plan_id is not null and state in ('pending', 'running');
drop index jobs_restoring;
create index jobs_working_on on jobs (repository_id, agent_id) where repository_id is not null and state in ('pending', 'running');
create index jobs_snapshots_of_plan on jobs (plan_id, agent_id) where snapshot_id is not null;

-- Who may delete what of a repository, and until when: an agent for one job, or an API key for a while.
create table deletion_grants (
  id uuid primary key,
  tenant_id uuid not null default current_tenant() references tenants (id),
  repository_id uuid not null references repositories (id),
  kind text not null check (kind in ('forget', 'prune', 'repair', 'keys')),
  job_id uuid unique references jobs (id) on delete cascade,
  api_key_id uuid references api_keys (id) on delete cascade,
  -- Of what the job's agent shows. An order is given again until its job begins, each time with a new token: these are the latest.
  token_sha256s bytea[] not null default '{}',
  -- The snapshots that may be forgotten, or the packs that may be replaced.
  names text[],
  -- The plan whose retention must still want it.
  plan_id uuid,
  -- The most that may be deleted.
  max_bytes bigint,
  deleted_objects bigint not null default 0,
  deleted_bytes bigint not null default 0,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  check ((job_id is null) <> (api_key_id is null)),
  check ((kind in ('forget', 'repair')) = (names is not null))
);

create index deletion_grants_of_key on deletion_grants (api_key_id, repository_id) where ended_at is null;
create index deletion_grants_newest on deletion_grants (repository_id, created_at desc, id desc);
create index deletion_grants_live on deletion_grants (expires_at) where ended_at is null;

-- What was deleted and can be brought back: the row that it had in the ledger, and when and by which grant it was deleted.
create table quarantined_objects (
  tenant_id uuid not null default current_tenant() references tenants (id),
  repository_id uuid not null references repositories (id),
  kind text not null check (kind in ('data', 'index', 'keys', 'snapshots')),
  name text not null check (name ~ '^[0-9a-f]{64}$'),
  size_bytes bigint not null check (size_bytes >= 0),
  stored_at timestamptz not null,
  stored_by_agent uuid references agents (id),
  last_verified_at timestamptz,
  -- By the clock of the ledger's times, so that the two can be compared.
  quarantined_at timestamptz not null,
  grant_id uuid references deletion_grants (id) on delete set null,
  primary key (repository_id, kind, name)
);

create index quarantined_oldest on quarantined_objects (tenant_id, quarantined_at);
create index quarantined_snapshots on quarantined_objects (repository_id, quarantined_at desc, name desc) where kind = 'snapshots';

-- Who began a deletion: if it is cut off, its end must still know.
alter table objects add column deleting_by_grant uuid references deletion_grants (id) on delete set null;

-- Snapshots that are brought back. While one is under way nothing of the repository is deleted.
create table undeletes (
  id uuid primary key,
  tenant_id uuid not null default current_tenant() references tenants (id),
  repository_id uuid not null references repositories (id),
  snapshot_id text not null,
  -- What was deleted since then comes back.
  since timestamptz not null,
  object_count bigint not null default 0,
  byte_count bigint not null default 0,
  started_at timestamptz not null,
  finished_at timestamptz
);

create unique index undeletes_running on undeletes (repository_id) where finished_at is null;

-- Runs of a plan's retention that would remove unusually much: a person decides.
create table held_deletions (
  id uuid primary key,
  tenant_id uuid not null default current_tenant() references tenants (id),
  plan_id uuid not null references plans (id) on delete cascade,
  plan_version integer not null,
  agent_id uuid not null references agents (id) on delete cascade,
  repository_id uuid not null references repositories (id),
  snapshot_count integer not null,
  snapshot_ids text[] not null,
  held_at timestamptz not null,
  decision text check (decision in ('approved', 'rejected')),
  decided_at timestamptz,
  decided_by text,
  job_id uuid references jobs (id) on delete set null
);

create unique index held_deletions_open on held_deletions (plan_id, agent_id) where decision is null;
create index held_deletions_newest on held_deletions (tenant_id, held_at desc, id desc);

-- Changes that let more be deleted, such as a shorter retention: they wait, so that they can be seen and taken back.
create table delayed_changes (
  id uuid primary key,
  tenant_id uuid not null default current_tenant() references tenants (id),
  -- As the contract's `delayedChange` has it.
  change jsonb not null,
  plan_id uuid references plans (id) on delete cascade,
  requested_by text not null,
  requested_at timestamptz not null,
  applies_at timestamptz not null
);

-- One at a time: a newer one takes the place of an older one.
create unique index delayed_changes_of on delayed_changes (tenant_id, (change ->> 'kind'), coalesce(plan_id, tenant_id));
create index delayed_changes_due on delayed_changes (applies_at);

do $$
declare
  owned text;
begin
  foreach owned in array array['deletion_grants', 'quarantined_objects', 'undeletes', 'held_deletions', 'delayed_changes'] loop
    execute format('grant select, insert, update, delete on %I to saveos_app', owned);
    execute format('alter table %I enable row level security', owned);
    execute format(
      'create policy own_tenant on %I to saveos_app using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()))',
      owned
    );
  end loop;
end
$$;
