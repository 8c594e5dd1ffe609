-- Each tenant's vault: a key pair whose private half only its administrators can open. Nothing in here opens anything by itself.

create table vaults (
  tenant_id uuid primary key default current_tenant() references tenants (id),
  -- What is sealed to the vault is sealed to this (age).
  recipient text not null,
  -- The public half of the key with which it signs (Ed25519, hex).
  verify_key text not null,
  -- How many identities it has had.
  generation integer not null default 1 check (generation >= 1),
  -- Its signed choice about names; none: the server may not see them.
  names jsonb,
  -- Grows with everything that agents must hear of.
  version integer not null default 1,
  created_at timestamptz not null
);

-- The vault's way from one identity to the next, signed by each for the next: generation 2 is signed by the first.
create table vault_rotations (
  tenant_id uuid not null default current_tenant() references tenants (id),
  generation integer not null check (generation >= 2),
  signed jsonb not null,
  rotated_at timestamptz not null,
  primary key (tenant_id, generation)
);

-- The identity, once for each passphrase that opens it: as an age file that is worth as much as the passphrase is strong.
create table vault_passphrases (
  id uuid primary key,
  tenant_id uuid not null default current_tenant() references tenants (id),
  generation integer not null,
  label text not null,
  locked_identity text not null,
  created_at timestamptz not null,
  -- Such as `user:…`.
  created_by text not null,
  last_fetched_at timestamptz,
  wrong_tries integer not null default 0,
  unique (tenant_id, generation, label)
);

-- Passwords of repositories, sealed to the vault by the agents whose repositories they are.
create table sealed_passwords (
  id uuid primary key,
  tenant_id uuid not null default current_tenant() references tenants (id),
  repository_id uuid not null references repositories (id) on delete cascade,
  agent_id uuid not null references agents (id) on delete cascade,
  generation integer not null,
  -- What an agent sealed first stays: one that was taken over can add what opens nothing, and take nothing away.
  kept_as text not null check (kept_as in ('first', 'last', 'resealed')),
  sealed text not null,
  sealed_at timestamptz not null,
  unique (repository_id, agent_id, generation, kept_as)
);

create index sealed_passwords_of_tenant on sealed_passwords (tenant_id, repository_id, id);
create index sealed_passwords_of_agent on sealed_passwords (agent_id, generation);

do $$
declare
  owned text;
begin
  foreach owned in array array['vaults', 'vault_rotations', 'vault_passphrases', 'sealed_passwords'] loop
    execute format('grant select, insert, update, delete on %I to saveos_app', owned);
    execute format('alter table %I enable row level security', owned);
    execute format(
      'create policy own_tenant on %I to saveos_app using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()))',
      owned
    );
  end loop;
end
$$;
