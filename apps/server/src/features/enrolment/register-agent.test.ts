import type { RegisterRequest } from "@saveos/contract";
import { problemType } from "@saveos/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { identify } from "../../access/identify.ts";
import { makeSecret } from "../../access/secrets.ts";
import { enrolAgent, testRecipient } from "../../testing/enrol-agent.ts";
import { RememberingQueue } from "../../testing/remembering-queue.ts";
import { type TestClock, testClock } from "../../testing/test-clock.ts";
import { type FreshDatabase, startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";
import { theServer } from "../audit/index.ts";
import { revokeAgent } from "../agents/revoke-agent.ts";
import { provisionAgent } from "./provision-agent.ts";
import { registerAgent } from "./register-agent.ts";

let databases: TestDatabases;
let deps: FreshDatabase & { clock: TestClock; queue: RememberingQueue };

beforeAll(async () => {
  databases = await startTestDatabases();
}, 60_000);
afterAll(async () => await databases.stop(), 60_000);
beforeEach(async () => {
  deps = { ...(await databases.fresh()), clock: testClock(), queue: new RememberingQueue() };
});

const wanted = { hostname: "web-1", tags: ["web"], expires_in_hours: 2 };

function registration(token: string): RegisterRequest {
  return {
    token,
    hostname: "web-1",
    platform: "linux",
    agent_version: "0.1.0",
    machine_id: "machine",
    time_zone: "UTC",
    recipient: testRecipient,
  };
}

const refused = (status: number) => ({ status, type: problemType.enrolmentRefused });

test("a token gives a machine its agent, a credential that works, and a new repository", async () => {
  const { agentId, token } = await provisionAgent(deps, theServer, wanted);
  const registered = await registerAgent(deps, theServer, registration(token));
  expect(registered.agent_id).toBe(agentId);
  expect(registered.repository_path).toBe(`/restic/${registered.repository_id}/`);
  expect(await identify(deps, registered.credential)).toMatchObject({
    kind: "agent",
    agentId,
    repositoryId: registered.repository_id,
  });
});

test("a token works once: its replay is refused and changes nothing", async () => {
  const { token } = await provisionAgent(deps, theServer, wanted);
  const registered = await registerAgent(deps, theServer, registration(token));
  await expect(registerAgent(deps, theServer, { ...registration(token), machine_id: "thief" })).rejects.toMatchObject(
    refused(409),
  );
  const agents = await deps.database.selectFrom("agents").select("machine_id").execute();
  expect(agents).toEqual([{ machine_id: "machine" }]);
  const replays = deps.database.selectFrom("audit_events").select(["actor_kind", "subject_id"]);
  expect(await replays.where("action", "=", "enrolment.token-replayed").execute()).toEqual([
    { actor_kind: "server", subject_id: registered.agent_id },
  ]);
  expect(await identify(deps, registered.credential)).toBeDefined();
});

test("of many machines that come with one token at the same moment, one gets in", async () => {
  const { token } = await provisionAgent(deps, theServer, wanted);
  const attempts = await Promise.allSettled(
    Array.from({ length: 8 }, () => registerAgent(deps, theServer, registration(token))),
  );
  expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await deps.database.selectFrom("agent_credentials").select("id").execute()).toHaveLength(1);
});

test("a token is good until the moment it expires, and not after", async () => {
  const first = await provisionAgent(deps, theServer, wanted);
  const second = await provisionAgent(deps, theServer, wanted);
  deps.clock.advance({ hours: 1, minutes: 59 });
  await registerAgent(deps, theServer, registration(first.token));
  deps.clock.advance({ minutes: 1 });
  await expect(registerAgent(deps, theServer, registration(second.token))).rejects.toMatchObject(refused(401));
});

test("a token that was never given out is refused, as are other secrets", async () => {
  const agent = await enrolAgent(deps);
  for (const text of [makeSecret("enrol").text, makeSecret("key").text, agent.credential, "guess"]) {
    await expect(registerAgent(deps, theServer, registration(text))).rejects.toMatchObject(refused(401));
  }
});

test("the token of an agent that was revoked before it enrolled is worth nothing", async () => {
  const { agentId, token } = await provisionAgent(deps, theServer, wanted);
  await revokeAgent(deps, deps.tenantId, theServer, agentId);
  await expect(registerAgent(deps, theServer, registration(token))).rejects.toMatchObject(refused(401));
});

test("a machine can take over the repository of one that was lost", async () => {
  const lost = await enrolAgent(deps, { hostname: "lost" });
  const { token } = await provisionAgent(deps, theServer, { ...wanted, repository_id: lost.repositoryId });
  expect((await registerAgent(deps, theServer, registration(token))).repository_id).toBe(lost.repositoryId);
});

test("a repository that there isn't can't be taken over", async () => {
  const wrong = { ...wanted, repository_id: crypto.randomUUID() };
  await expect(provisionAgent(deps, theServer, wrong)).rejects.toMatchObject({
    status: 400,
    fields: [{ pointer: "/repository_id" }],
  });
  expect(await deps.database.selectFrom("agents").select("id").execute()).toEqual([]);
});

test("neither tokens nor credentials can be read in the database", async () => {
  const { token } = await provisionAgent(deps, theServer, wanted);
  const { credential } = await registerAgent(deps, theServer, registration(token));
  const kept = JSON.stringify([
    await deps.database.selectFrom("enrolment_tokens").selectAll().execute(),
    await deps.database.selectFrom("agent_credentials").selectAll().execute(),
  ]);
  for (const secret of [token, credential]) expect(kept).not.toContain(secret.slice(-43));
});
