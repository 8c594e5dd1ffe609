import type { Role } from "@saveos/contract";
import type { Generated } from "kysely";

/** What signing people in works on. Columns are named as better-auth names its fields; a plugin of Kysely spells them as the database does. */
export interface AccountsDatabase {
  users: UsersTable;
  userSessions: UserSessionsTable;
  userAccounts: UserAccountsTable;
  tenants: TenantsTable;
  members: MembersTable;
  invitations: InvitationsTable;
  serverSecrets: ServerSecretsTable;
}

interface UsersTable {
  id: string;
  name: string;
  email: string;
  createdAt: Generated<Date>;
}

interface UserSessionsTable {
  id: string;
  userId: string;
  expiresAt: Date;
  /** The tenant that the person works in. */
  activeTenantId: string | null;
}

/** How a person proves who they are: `credential` is by a password, of which its hash is kept. */
interface UserAccountsTable {
  id: string;
  userId: string;
  accountId: string;
  providerId: string;
  password: string | null;
}

interface TenantsTable {
  id: string;
  name: string;
  slug: string;
  createdAt: Generated<Date>;
  quarantineDays: Generated<number>;
}

interface MembersTable {
  id: string;
  tenantId: string;
  userId: string;
  role: Role;
  createdAt: Generated<Date>;
}

/** Without a tenant, address and role: the link with which the server is set up. */
interface InvitationsTable {
  id: string;
  tenantId: string | null;
  email: string | null;
  role: Role | null;
  secretSha256: Buffer;
  createdAt: Date;
  expiresAt: Date;
  usedAt: Date | null;
}

interface ServerSecretsTable {
  name: string;
  value: string;
}
