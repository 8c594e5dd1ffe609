import { z } from "zod";
import { permission, role } from "../access.ts";
import { count, timestamp, uuid } from "../primitives.ts";
import { nextCursor } from "./pages.ts";

const personName = z.string().trim().min(1).max(200);
const email = z.email().max(254).toLowerCase();
/** Long, and of any kind: length is what makes a password strong (NIST SP 800-63B, section 5.1.1). */
const newPassword = z.string().min(12, "must have at least 12 characters").max(256);
const token = z.string().min(1).max(512);
const tenantName = z.string().trim().min(1).max(200);

/** Spends the one-time link that the server prints while nobody administers it. */
export const setUpRequest = z.strictObject({
  token,
  tenant_name: tenantName,
  name: personName,
  email,
  password: newPassword,
});
export type SetUpRequest = z.infer<typeof setUpRequest>;

export const signInRequest = z.strictObject({ email, password: z.string().min(1).max(256) });
export type SignInRequest = z.infer<typeof signInRequest>;

/** Joins a tenant with an invitation's token. Who has an account already gives its password; else one is made. */
export const acceptInvitationRequest = z.strictObject({ token, name: personName, password: newPassword });
export type AcceptInvitationRequest = z.infer<typeof acceptInvitationRequest>;

export const changePasswordRequest = z.strictObject({
  current_password: z.string().min(1).max(256),
  new_password: newPassword,
});

const tenantOfUser = z.strictObject({ id: uuid, name: z.string(), role });

/** Who is signed in, in which tenant they work, and where else they could. */
export const session = z.strictObject({
  user: z.strictObject({ id: uuid, name: z.string(), email: z.string() }),
  tenant: tenantOfUser,
  tenants: z.array(tenantOfUser),
  permissions: z.array(permission),
});
export type Session = z.infer<typeof session>;

/** Goes on in another tenant of the person. */
export const changeSessionRequest = z.strictObject({ tenant_id: uuid });

export const user = z.strictObject({
  id: uuid,
  name: z.string(),
  email: z.string(),
  role,
  joined_at: timestamp,
});
export type User = z.infer<typeof user>;
export const userList = z.strictObject({ users: z.array(user), next_cursor: nextCursor });

export const inviteRequest = z
  .strictObject({
    email,
    role,
    expires_in_hours: z
      .number()
      .positive()
      .max(24 * 30)
      .default(72),
  })
  .meta({ examples: [{ email: "ann@example.com", role: "operator" }] });
export type InviteRequest = z.output<typeof inviteRequest>;

/** The token is shown here and nowhere else: give it to the person by a way that you trust. */
export const inviteResponse = z.strictObject({ email: z.string(), role, expires_at: timestamp, token: z.string() });

export const changeUserRequest = z.strictObject({ role });

export const tenant = z.strictObject({
  id: uuid,
  name: z.string(),
  created_at: timestamp,
  /** How long what was deleted can be brought back. */
  quarantine_days: count,
  /** A shorter time, which waits a day before it counts. */
  pending_quarantine: z.strictObject({ quarantine_days: count, applies_at: timestamp }).nullable(),
});
export type Tenant = z.infer<typeof tenant>;
export const tenantList = z.strictObject({ tenants: z.array(tenant) });
export const tenantRequest = z.strictObject({
  name: tenantName.optional(),
  quarantine_days: z.int().min(1).max(365).optional(),
});
export type TenantRequest = z.infer<typeof tenantRequest>;

/** The first owner of a new tenant joins with the token. */
export const createTenantRequest = z.strictObject({ name: tenantName, owner_email: email });
export type CreateTenantRequest = z.infer<typeof createTenantRequest>;
export const createTenantResponse = z.strictObject({
  tenant,
  invitation: inviteResponse,
});

export const apiKey = z.strictObject({
  id: uuid,
  name: z.string(),
  role,
  /** What the key is cut down to; null: all that its role may. */
  scopes: z.array(z.string()).nullable(),
  created_at: timestamp,
  created_by: uuid.nullable(),
  expires_at: timestamp.nullable(),
  last_used_at: timestamp.nullable(),
  revoked_at: timestamp.nullable(),
});
export type ApiKey = z.infer<typeof apiKey>;
export const apiKeyList = z.strictObject({ api_keys: z.array(apiKey), next_cursor: nextCursor });

export const createApiKeyRequest = z
  .strictObject({
    name: z.string().trim().min(1).max(200),
    /** At most the role of who makes it. */
    role,
    scopes: z.array(permission).min(1).max(permission.options.length).optional(),
    expires_in_days: z.int().min(1).max(99_999).optional(),
  })
  .meta({ examples: [{ name: "prometheus", role: "viewer", scopes: ["monitoring:read"] }] });
export type CreateApiKeyRequest = z.infer<typeof createApiKeyRequest>;

/** The key is shown once; the server keeps its hash only. */
export const createApiKeyResponse = z.strictObject({ api_key: apiKey, key: z.string() });

/** Who did what, when, from where. */
export const auditEvent = z.strictObject({
  id: uuid,
  at: timestamp,
  actor: z.strictObject({
    kind: z.enum(["user", "api-key", "agent", "server", "nobody"]),
    id: z.string().nullable(),
    name: z.string().nullable(),
  }),
  action: z.string(),
  subject: z.strictObject({ kind: z.string(), id: z.string().nullable(), name: z.string().nullable() }),
  address: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
});
export type AuditEvent = z.infer<typeof auditEvent>;
export const auditList = z.strictObject({ events: z.array(auditEvent), next_cursor: nextCursor });
