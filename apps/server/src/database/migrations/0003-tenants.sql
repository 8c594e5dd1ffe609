-- People, the tenants they belong to, and the walls between tenants.
--
-- Two roles do the server's work, and neither can pass row-level security: `saveos_app` sees the rows of one tenant at a time, and of people only
-- their names; `saveos_accounts` signs people in and sees nothing else. Roles belong to the whole PostgreSQL server, so they may be there.
do $$
begin
  if not exists (select from pg_roles where rolname = 'saveos_app') then
    create role saveos_app login nosuperuser nobypassrls nocreatedb nocreaterole;
  end if;
  if not exists (select from pg_roles where rolname = 'saveos_accounts') then
    create role saveos_accounts login nosuperuser nobypassrls nocreatedb nocreaterole;
  end if;
exception
  -- Two databases of one PostgreSQL that are made at the same moment.
  when duplicate_object or unique_violation then null;
end
$$;

-- Who migrates may act as both.
grant saveos_app, saveos_accounts to current_user;
grant usage on schema public to saveos_app, saveos_accounts;

create table users (
  id uuid primary key,
  name text not null,
  email text not null unique,
  email_verified boolean not null default false,
  image text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- How a person proves who they are: with a password, its scrypt hash in `password`.
create table user_accounts (
  id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  account_id text not null,
  provider_id text not null,
  access_token text,
  refresh_token text,
  id_token text,
  access_token_expires_at timestamptz,
  refresh_token_expires_at timestamptz,
  scope text,
  password text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create index user_accounts_by_user on user_accounts (user_id);

create table user_verifications (
  id uuid primary key,
  identifier text not null,
  value text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table tenants (
  id uuid primary key,
  name text not null,
  slug text not null unique,
  created_at timestamptz not null default now(),
  version integer not null default 1
);

create table user_sessions (
  id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  token text not null unique,
  expires_at timestamptz not null,
  ip_address text,
  user_agent text,
  active_tenant_id uuid references tenants (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create index user_sessions_by_user on user_sessions (user_id);

create table members (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  user_id uuid not null references users (id) on delete cascade,
  role text not null check (role in ('owner', 'administrator', 'operator', 'viewer')),
  created_at timestamptz not null default now(),
  unique (tenant_id, user_id)
);

create index members_by_user on members (user_id);

-- Links that let somebody in once: to set the server up (no tenant yet), or to join a tenant. Only the hash of what opens them is kept.
create table invitations (
  id uuid primary key,
  tenant_id uuid references tenants (id),
  email text,
  role text check (role in ('owner', 'administrator', 'operator', 'viewer')),
  secret_sha256 bytea not null check (length(secret_sha256) = 32),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  check ((tenant_id is null) = (email is null) and (tenant_id is null) = (role is null))
);

-- What the processes of one server share and nobody else may know.
create table server_secrets (
  name text primary key,
  value text not null
);

-- A server that was used before there were tenants gets one for what it has.
insert into tenants (id, name, slug)
  select gen_random_uuid(), 'SaveOS', 'main'
  where exists (select from repositories) or exists (select from agents) or exists (select from api_keys);

-- The tenant whose rows a connection may see; none until one is set.
create function current_tenant() returns uuid language sql stable as
  $$ select nullif(current_setting('saveos.tenant', true), '')::uuid $$;

-- Set-up links are made by signing in, which sets no tenant.
alter table invitations alter column tenant_id set default current_tenant();

-- What a tenant owns carries its id, by itself the one that the connection works for.
do $$
declare
  owned text;
begin
  foreach owned in array array[
    'repositories', 'agents', 'agent_credentials', 'agent_sessions', 'enrolment_tokens', 'api_keys', 'jobs', 'objects', 'repository_usage'
  ] loop
    execute format('alter table %I add column tenant_id uuid references tenants (id)', owned);
    execute format('alter table %I disable trigger user', owned);
    execute format('update %I set tenant_id = (select id from tenants)', owned);
    execute format('alter table %I enable trigger user', owned);
    execute format('alter table %I alter column tenant_id set not null, alter column tenant_id set default current_tenant()', owned);
    execute format('grant select, insert, update, delete on %I to saveos_app', owned);
  end loop;
end
$$;

-- Who did what, when, from where. Rows are only ever added; clean-up is by age.
create table audit_events (
  id uuid primary key,
  -- The order in which they were written down: several may be of one moment.
  number bigint generated by default as identity,
  tenant_id uuid not null default current_tenant() references tenants (id),
  at timestamptz not null,
  actor_kind text not null check (actor_kind in ('user', 'api-key', 'agent', 'server', 'nobody')),
  actor_id text,
  actor_name text,
  -- Such as `plan.created`.
  action text not null,
  subject_kind text not null,
  subject_id text,
  subject_name text,
  address text,
  details jsonb not null default '{}'
);

create index audit_events_newest on audit_events (tenant_id, at desc, number desc);

-- What was answered to a request with an idempotency key, to be answered again.
create table idempotency_keys (
  tenant_id uuid not null default current_tenant() references tenants (id),
  -- Keys of different callers have nothing to do with each other.
  caller text not null,
  key text not null,
  request_sha256 bytea not null,
  status integer,
  body jsonb,
  location text,
  created_at timestamptz not null,
  primary key (tenant_id, caller, key)
);

grant select, insert, update, delete on idempotency_keys, members, invitations to saveos_app;
grant select, insert on audit_events to saveos_app;
grant delete on audit_events to saveos_app;
grant select (id, name, email, created_at) on users to saveos_app;
grant select on tenants to saveos_app;
grant update (name, version) on tenants to saveos_app;

-- The walls. Without a tenant set, `current_tenant()` is null and there are no rows.
do $$
declare
  owned text;
begin
  foreach owned in array array[
    'repositories', 'agents', 'agent_credentials', 'agent_sessions', 'enrolment_tokens', 'api_keys', 'jobs', 'objects', 'repository_usage',
    'audit_events', 'idempotency_keys', 'members', 'invitations'
  ] loop
    execute format('alter table %I enable row level security', owned);
    execute format(
      'create policy own_tenant on %I to saveos_app using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()))',
      owned
    );
  end loop;
end
$$;

alter table tenants enable row level security;
create policy own_tenant on tenants to saveos_app using (id = (select current_tenant()));
alter table users enable row level security;
create policy own_tenant on users for select to saveos_app
  using (exists (select from members where members.user_id = users.id));

-- Signing in has to do with every tenant.
grant select, insert, update, delete on users, user_accounts, user_sessions, user_verifications, tenants, members, invitations to saveos_accounts;
grant select, insert on server_secrets to saveos_accounts;
create policy accounts on tenants to saveos_accounts using (true) with check (true);
create policy accounts on users to saveos_accounts using (true) with check (true);
create policy accounts on members to saveos_accounts using (true) with check (true);
create policy accounts on invitations to saveos_accounts using (true) with check (true);

-- An API key may do what its role may, or less.
alter table api_keys
  add column role text not null default 'owner' check (role in ('owner', 'administrator', 'operator', 'viewer')),
  add column scopes text[],
  add column created_by uuid references users (id) on delete set null;
alter table api_keys alter column role drop default;

-- A credential comes before it is known whose it is. These doors take an id that is as long as a secret, and give what is needed to let its holder in,
-- whatever the tenant; they run with the rights of who owns the tables.
create function find_api_key(wanted uuid)
returns table (tenant_id uuid, name text, role text, scopes text[], secret_sha256 bytea, expires_at timestamptz, last_used_at timestamptz)
language sql stable security definer set search_path = public as $$
  select k.tenant_id, k.name, k.role, k.scopes, k.secret_sha256, k.expires_at, k.last_used_at
  from api_keys as k where k.id = wanted and k.revoked_at is null
$$;

create function find_enrolment_token(wanted uuid)
returns table (tenant_id uuid, agent_id uuid, secret_sha256 bytea, expires_at timestamptz, used_at timestamptz)
language sql stable security definer set search_path = public as $$
  select t.tenant_id, t.agent_id, t.secret_sha256, t.expires_at, t.used_at from enrolment_tokens as t where t.id = wanted
$$;

revoke execute on function find_api_key(uuid), find_enrolment_token(uuid) from public;
grant execute on function find_api_key(uuid), find_enrolment_token(uuid) to saveos_app;

-- A new credential takes the place of an old one when it is first used.
alter table agent_credentials add column first_used_at timestamptz, add column replaces uuid references agent_credentials (id);
update agent_credentials set first_used_at = last_used_at;

create function find_agent_credential(wanted uuid)
returns table (
  tenant_id uuid, agent_id uuid, repository_id uuid, hostname text, secret_sha256 bytea, created_at timestamptz,
  first_used_at timestamptz, last_used_at timestamptz
)
language sql stable security definer set search_path = public as $$
  select c.tenant_id, c.agent_id, a.repository_id, a.hostname, c.secret_sha256, c.created_at, c.first_used_at, c.last_used_at
  from agent_credentials as c join agents as a on a.id = c.agent_id
  where c.id = wanted and c.revoked_at is null and a.repository_id is not null
$$;

revoke execute on function find_agent_credential(uuid) from public;
grant execute on function find_agent_credential(uuid) to saveos_app;

-- The work that no request asks for goes from tenant to tenant.
create function all_tenants() returns setof uuid language sql stable security definer set search_path = public as
  $$ select id from tenants order by created_at, id $$;
revoke execute on function all_tenants() from public;
grant execute on function all_tenants() to saveos_app;

-- What a repository holds is counted for the tenant that its objects belong to.
create or replace function add_to_repository_usage() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into repository_usage as usage (tenant_id, repository_id, stored_bytes, object_count)
      select tenant_id, repository_id, sum(size_bytes), count(*) from added group by tenant_id, repository_id order by repository_id
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
