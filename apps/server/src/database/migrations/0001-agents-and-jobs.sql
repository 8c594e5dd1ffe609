-- Repositories, the agents that fill them, how both are let in, and the jobs they are given.

create table repositories (
  id uuid primary key,
  created_at timestamptz not null default now(),
  -- The quota that the gateway keeps; null is none.
  max_bytes bigint check (max_bytes >= 0)
);

create table agents (
  id uuid primary key,
  hostname text not null,
  platform text check (platform in ('linux', 'windows', 'macos')),
  tags text[] not null default '{}',
  agent_version text,
  machine_id text,
  repository_id uuid references repositories (id),
  created_at timestamptz not null,
  registered_at timestamptz,
  last_seen_at timestamptz,
  identity_conflict_at timestamptz,
  revoked_at timestamptz,
  check (registered_at is null or (machine_id is not null and repository_id is not null))
);

create index agents_by_repository on agents (repository_id);

-- Secrets are random and long, so a plain SHA-256 of them can't be turned back.
create table agent_credentials (
  id uuid primary key,
  agent_id uuid not null references agents (id),
  secret_sha256 bytea not null check (length(secret_sha256) = 32),
  created_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz
);

create index agent_credentials_by_agent on agent_credentials (agent_id);

create table agent_sessions (
  agent_id uuid not null references agents (id),
  session_id uuid not null,
  started_at timestamptz not null,
  last_seen_at timestamptz not null,
  superseded_at timestamptz,
  primary key (agent_id, session_id)
);

-- One session of an agent is the live one, whatever the order in which two processes write.
create unique index agent_sessions_live on agent_sessions (agent_id) where superseded_at is null;

create table enrolment_tokens (
  id uuid primary key,
  agent_id uuid not null references agents (id),
  secret_sha256 bytea not null check (length(secret_sha256) = 32),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);

create table api_keys (
  id uuid primary key,
  name text not null,
  secret_sha256 bytea not null check (length(secret_sha256) = 32),
  created_at timestamptz not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);

create table jobs (
  id uuid primary key,
  agent_id uuid not null references agents (id),
  kind text not null check (kind in ('backup')),
  state text not null check (state in ('pending', 'running', 'completed', 'partial', 'failed', 'cancelled')),
  "order" jsonb not null,
  requested_at timestamptz not null,
  delivered_session_id uuid,
  delivered_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  lease_expires_at timestamptz,
  last_sequence bigint not null default -1,
  progress jsonb,
  summary jsonb,
  snapshot_id text check (snapshot_id ~ '^[0-9a-f]{64}$'),
  reason text,
  -- Only a running job has a lease, and every running job has one.
  check ((state = 'running') = (lease_expires_at is not null)),
  check ((state in ('completed', 'partial', 'failed', 'cancelled')) = (finished_at is not null))
);

create index jobs_newest on jobs (requested_at desc, id desc);
create index jobs_newest_of_agent on jobs (agent_id, requested_at desc, id desc);
create index jobs_waiting on jobs (agent_id, requested_at, id) where state = 'pending';
create index jobs_leased on jobs (lease_expires_at) where state = 'running';
create index jobs_by_snapshot on jobs (snapshot_id) where snapshot_id is not null;
