import { createHash, randomUUID } from "node:crypto";
import {
  createApiKeyResponse,
  createTenantResponse,
  jobAccepted,
  type Permission,
  plan as planSchema,
  provisionResponse,
  registerResponse,
  type Role,
  session as sessionSchema,
  userList,
} from "@saveos/contract";
import { z } from "zod";
import { send } from "./api-client.ts";
import { testRecipient } from "./enrol-agent.ts";
import { accept, joinAs, setUpServer, type SignedIn } from "./people.ts";
import type { TestServer } from "./start-server.ts";

/** How a request says who sends it. */
export type Credential = { readonly cookie: string } | { readonly bearer: string } | undefined;

export function headersOf(credential: Credential): Record<string, string> {
  if (credential === undefined) return {};
  return "cookie" in credential ? { cookie: credential.cookie } : { authorization: `Bearer ${credential.bearer}` };
}

/** A machine that enrolled through the API. */
export interface FixtureAgent {
  readonly agentId: string;
  readonly credential: string;
  readonly repositoryId: string;
  readonly hostname: string;
}

/** A server that is set up, with somebody of each role, and with another tenant. All of it was made through the API. */
export interface TenantFixture {
  readonly url: string;
  readonly tenantId: string;
  readonly people: Readonly<Record<Role, SignedIn>>;
  /** The owner of another tenant. */
  readonly stranger: SignedIn;
  call(who: Credential, method: string, path: string, body?: unknown): ReturnType<typeof send>;
  newAgent(hostname: string, by?: Credential): Promise<FixtureAgent>;
  newPlan(by?: Credential): Promise<string>;
  newJob(agentId: string, by?: Credential): Promise<string>;
  newKey(role: Role, scopes?: readonly Permission[]): Promise<{ readonly id: string; readonly key: string }>;
  newUser(role: Role): Promise<string>;
  /** Stores a snapshot's object as the agent does, and returns its id. */
  newSnapshot(agent: FixtureAgent): Promise<string>;
}

export async function tenantFixture({ httpUrl: url, setUpLink }: TestServer): Promise<TenantFixture> {
  if (setUpLink === undefined) throw new Error("the server is set up already");
  const owner = await setUpServer(url, setUpLink);
  const call: TenantFixture["call"] = async (who, method, path, body) =>
    await send(url, method, path, { headers: headersOf(who), ...(body === undefined ? {} : { body }) });
  const people = {
    owner,
    administrator: await joinAs(url, owner, "administrator", "administrator@example.com"),
    operator: await joinAs(url, owner, "operator", "operator@example.com"),
    viewer: await joinAs(url, owner, "viewer", "viewer@example.com"),
  };
  const tenantId = sessionSchema.parse((await call(owner, "GET", "/api/v1/session")).body).tenant.id;
  const other = await call(owner, "POST", "/api/v1/tenants", { name: "Other", owner_email: "stranger@example.com" });
  const stranger = await accept(url, createTenantResponse.parse(other.body).invitation.token);

  const newAgent: TenantFixture["newAgent"] = async (hostname, by = owner) => {
    const provisioned = await call(by, "POST", "/api/v1/agents/provision", { hostname, platform: "linux" });
    const { token } = provisionResponse.parse(provisioned.body).enrolment;
    const facts = { agent_version: "0.1.0", machine_id: hostname, time_zone: "UTC", recipient: testRecipient };
    const answer = await call(undefined, "POST", "/api/v1/agents/register", {
      token,
      hostname,
      platform: "linux",
      ...facts,
    });
    const { agent_id, credential, repository_id } = registerResponse.parse(answer.body);
    return { agentId: agent_id, credential, repositoryId: repository_id, hostname };
  };
  return {
    url,
    tenantId,
    people,
    stranger,
    call,
    newAgent,
    newPlan: async (by = owner) =>
      planSchema.parse((await call(by, "POST", "/api/v1/plans", { name: randomUUID(), paths: ["/home"] })).body).id,
    newJob: async (agentId, by = owner) =>
      jobAccepted.parse((await call(by, "POST", "/api/v1/backup", { agent_id: agentId, paths: ["/home"] })).body)
        .job_id,
    newKey: async (role, scopes) => {
      const made = await call(owner, "POST", "/api/v1/api-keys", {
        name: "test",
        role,
        ...(scopes === undefined ? {} : { scopes }),
      });
      const { api_key, key } = createApiKeyResponse.parse(made.body);
      return { id: api_key.id, key };
    },
    newUser: async (role) => {
      const email = `${randomUUID()}@example.com`;
      await joinAs(url, owner, role, email);
      const { users } = userList.parse((await call(owner, "GET", "/api/v1/users?limit=500")).body);
      return z.uuid().parse(users.find((user) => user.email === email)?.id);
    },
    newSnapshot: async ({ credential, repositoryId }) => {
      const bytes = Buffer.from(randomUUID());
      const id = createHash("sha256").update(bytes).digest("hex");
      const upload = async (path: string, body?: Uint8Array<ArrayBuffer>) => {
        const headers = headersOf({ bearer: credential });
        const { status } = await fetch(new URL(`/restic/${repositoryId}/${path}`, url), {
          method: "POST",
          headers,
          ...(body === undefined ? {} : { body }),
        });
        if (status !== 200) throw new Error(`could not store ${path}: ${status}`);
      };
      await upload("?create=true");
      await upload(`snapshots/${id}`, new Uint8Array(bytes));
      return id;
    },
  };
}
