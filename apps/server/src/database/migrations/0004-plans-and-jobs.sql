-- Plans, when they run, and more about each job.

alter table agents
  add column time_zone text not null default 'UTC',
  -- The public half of the agent's key pair (age).
  add column recipient text,
  -- For those who change an agent at the same moment (ETag).
  add column version integer not null default 1;
-- Heartbeats write one column that is in no index: with room in each page PostgreSQL needn't touch the indexes.
alter table agents set (fillfactor = 70);
alter table agent_sessions set (fillfactor = 70);
create index agents_by_name on agents (tenant_id, hostname, id);
create index agents_by_tag on agents using gin (tags);

create table plans (
  id uuid primary key,
  tenant_id uuid not null default current_tenant() references tenants (id),
  name text not null,
  enabled boolean not null,
  -- What to back up and how, as the contract's `planContent` has it.
  content jsonb not null,
  -- The plan is for the agents that carry one of these tags, and for those in `plan_agents`.
  agent_tags text[] not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version integer not null default 1
);

create index plans_by_name on plans (tenant_id, name, id);

create table plan_agents (
  tenant_id uuid not null default current_tenant() references tenants (id),
  plan_id uuid not null references plans (id) on delete cascade,
  agent_id uuid not null references agents (id) on delete cascade,
  primary key (plan_id, agent_id)
);

create index plan_agents_by_agent on plan_agents (agent_id);

-- The next run of each plan on each of its machines: one row, so that a machine or server that was away catches up once.
create table planned_runs (
  tenant_id uuid not null default current_tenant() references tenants (id),
  plan_id uuid not null references plans (id) on delete cascade,
  agent_id uuid not null references agents (id) on delete cascade,
  due_at timestamptz not null,
  -- What the time was worked out from: another version or zone means that it must be worked out anew.
  plan_version integer not null,
  time_zone text not null,
  primary key (plan_id, agent_id)
);

create index planned_runs_by_agent on planned_runs (agent_id);
create index planned_runs_due on planned_runs (due_at);

-- Runs that did not take place, and why.
create table skipped_runs (
  tenant_id uuid not null default current_tenant() references tenants (id),
  plan_id uuid not null references plans (id) on delete cascade,
  agent_id uuid not null references agents (id) on delete cascade,
  due_at timestamptz not null,
  reason text not null,
  primary key (plan_id, agent_id, due_at)
);

create index skipped_runs_newest on skipped_runs (plan_id, due_at desc);

alter table jobs drop constraint jobs_kind_check;
alter table jobs
  add check (kind in ('backup', 'restore', 'check')),
  add column plan_id uuid references plans (id) on delete set null,
  -- When its plan wanted it to run; null for a job that somebody asked for.
  add column due_at timestamptz,
  -- Counts the tries; a new try is a job of its own.
  add column attempt integer not null default 1,
  add column retry_of uuid references jobs (id) on delete set null,
  -- A try that waits for the trouble to pass.
  add column not_before timestamptz,
  add column error text,
  -- How many files could not be read, by the system's code.
  add column unreadable jsonb,
  -- Who asked for it, as a text such as `user:…`; null for a plan.
  add column requested_by text,
  -- The repository that a restore reads: its agent may read it for as long as the job lives.
  add column repository_id uuid references repositories (id);

create index jobs_newest_of_plan on jobs (plan_id, requested_at desc, id desc) where plan_id is not null;
-- At most one unfinished job of a plan for each machine: two processes that find it due at one moment can't run it twice.
create unique index jobs_unfinished_of_plan on jobs (plan_id, agent_id) where plan_id is not null and state in ('pending', 'running');
create index jobs_restoring on jobs (repository_id, agent_id) where kind = 'restore' and state in ('pending', 'running');
create index jobs_last_good on jobs (agent_id, finished_at desc) where kind = 'backup' and state in ('completed', 'partial');
create index jobs_by_state on jobs (tenant_id, state, kind);
-- A running job is written every few seconds. What changes then (progress, lease, sequence) is in no index, and pages keep room, so no index is touched.
-- Jobs whose lease ran out are found among the unfinished ones, once a minute.
drop index jobs_leased;
alter table jobs set (fillfactor = 70);
drop index jobs_newest;
create index jobs_newest on jobs (tenant_id, requested_at desc, id desc);

create table job_log_lines (
  tenant_id uuid not null default current_tenant() references tenants (id),
  job_id uuid not null references jobs (id) on delete cascade,
  -- The report's sequence and the line's place in it.
  sequence bigint not null,
  place integer not null,
  at timestamptz not null,
  level text not null check (level in ('info', 'warning', 'error')),
  text text not null,
  primary key (job_id, sequence, place)
);

-- What each repository held at the end of each day (UTC), for growth and bills.
create table usage_days (
  tenant_id uuid not null default current_tenant() references tenants (id),
  repository_id uuid not null references repositories (id) on delete cascade,
  day date not null,
  stored_bytes bigint not null,
  object_count bigint not null,
  snapshot_count bigint not null,
  primary key (repository_id, day)
);

create index objects_snapshots_newest on objects (tenant_id, stored_at desc, name desc) where kind = 'snapshots';

do $$
declare
  owned text;
begin
  foreach owned in array array['plans', 'plan_agents', 'planned_runs', 'skipped_runs', 'job_log_lines', 'usage_days'] loop
    execute format('grant select, insert, update, delete on %I to saveos_app', owned);
    execute format('alter table %I enable row level security', owned);
    execute format(
      'create policy own_tenant on %I to saveos_app using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()))',
      owned
    );
  end loop;
end
$$;
