import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  createTenantResponse,
  grantList,
  heartbeatResponse,
  jobAccepted,
  type Order,
  plan as planSchema,
  provisionResponse,
  type RegisterResponse,
  registerResponse,
} from "@saveos/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Answer, send } from "../../apps/server/src/testing/api-client.ts";
import { testRecipient } from "../../apps/server/src/testing/enrol-agent.ts";
import { accept } from "../../apps/server/src/testing/people.ts";
import { summaryOf } from "../../apps/server/src/testing/summary-of.ts";
import { type Administrator, administratorOf } from "../support/administrator.ts";
import { manifestOf } from "../support/manifest.ts";
import { describeWith } from "../support/missing-peers.ts";
import { type Restic, resticOn } from "../support/restic.ts";
import { noise } from "../support/sample-tree.ts";
import { type SaveosServer, startSaveosServer } from "../support/saveos-server.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

const kinds = ["data", "index", "keys", "snapshots"] as const;
const runs = 5;

/*
 * An agent that was taken over tries whatever its credential lets it try, and then some. It has the repository's password and speaks the protocols as well as the real
 * one. In the end its history is there, whole.
 */
describeWith(["restic"], "an agent that was taken over", () => {
  let temp: TempFolder;
  let saveos: SaveosServer;
  let administrator: Administrator;
  let agent: RegisterResponse;
  let restic: Restic;
  let source: string;
  /** The plan's snapshots, the oldest first, and what each of them holds. */
  const history: { readonly id: string; readonly manifest: Awaited<ReturnType<typeof manifestOf>> }[] = [];
  let planId: string;
  let forget: Order & { kind: "forget" };

  const facts = { hostname: "victim", agent_version: "0.1.0", machine_id: "victim", time_zone: "UTC" };
  const sessionId = randomUUID();

  beforeAll(async () => {
    temp = await tempFolder();
    saveos = await startSaveosServer({ environment: { SAVEOS_LOG_LEVEL: "silent" } });
    administrator = administratorOf(saveos);
    agent = await enrolVictim(saveos.apiKey);
    restic = resticAs(agent);
    await restic("init");
    source = join(temp.path, "source");
    await mkdir(source);
    const plan = { name: "plan", paths: [source], agent_ids: [agent.agent_id], retention: { keep_last: runs - 1 } };
    planId = planSchema.parse(await asAdministrator("POST", "/api/v1/plans", plan)).id;
    for (let run = 1; run <= runs; run++) history.push(await plannedBackup(run));
    // The fifth run makes the oldest one too many: a forget for exactly that one is queued.
    forget = await untilOrder("forget");
  }, 120_000);
  afterAll(async () => {
    await saveos[Symbol.asyncDispose]();
    await temp[Symbol.asyncDispose]();
  });

  function resticAs({ repository_id, credential }: RegisterResponse): Restic {
    return resticOn(saveos.resticAddress(repository_id, credential), "geheim", { cacert: saveos.authorityFile });
  }

  async function enrolVictim(by: string | { readonly cookie: string }, hostname = "victim"): Promise<RegisterResponse> {
    const credential = typeof by === "string" ? { credential: by } : { headers: { cookie: by.cookie } };
    const provisioned = await send(saveos.server.httpUrl, "POST", "/api/v1/agents/provision", {
      ...credential,
      body: { hostname },
    });
    const { token } = provisionResponse.parse(provisioned.body).enrolment;
    const who = { ...facts, hostname, machine_id: hostname, token, platform: "linux", recipient: testRecipient };
    const { body } = await send(saveos.server.httpUrl, "POST", "/api/v1/agents/register", { body: who });
    return registerResponse.parse(body);
  }

  async function asAdministrator(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await send(saveos.server.httpUrl, method, path, { credential: saveos.apiKey, body });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async function asAgent(method: string, path: string, body?: unknown): Promise<Answer> {
    return await send(saveos.server.httpUrl, method, path, { credential: agent.credential, body });
  }

  async function orders(running: readonly string[] = []): Promise<Order[]> {
    const beat = { ...facts, session_id: sessionId, running_jobs: running, wait_seconds: 1 };
    return heartbeatResponse.parse((await asAgent("POST", "/api/v1/agents/heartbeat", beat)).body).orders;
  }

  async function untilOrder<Kind extends Order["kind"]>(kind: Kind): Promise<Order & { kind: Kind }> {
    for (;;) {
      const order = (await orders()).find((each) => each.kind === kind);
      if (order !== undefined) return order as Order & { kind: Kind };
    }
  }

  async function report(jobId: string, sequence: number, about: object): Promise<void> {
    const one = { job_id: jobId, sequence, at: new Date().toISOString(), ...about };
    expect((await asAgent("POST", "/api/v1/agents/reports", { reports: [one] })).status).toBe(200);
  }

  async function plannedBackup(run: number) {
    await rm(join(source, `file ${run - 1}`), { force: true });
    await writeFile(join(source, `file ${run}`), noise(400_000, run));
    await asAdministrator("POST", `/api/v1/plans/${planId}/run`);
    const { job_id } = await untilOrder("backup");
    await report(job_id, 0, { kind: "started" });
    await restic("backup", source);
    const [{ id = "" } = {}] = (await restic.json("snapshots", "--latest", "1")).flat() as { id?: string }[];
    await report(job_id, 1, { kind: "finished", outcome: "completed", summary: summaryOf(id) });
    return { id, manifest: await manifestOf(source) };
  }

  /** A request to the gateway; resolves with its status. */
  async function toGateway(method: string, repositoryId: string, path: string, grant?: string, body?: Uint8Array) {
    const answer = await fetch(new URL(`/restic/${repositoryId}/${path}`, saveos.server.httpUrl), {
      method,
      headers: {
        authorization: `Bearer ${agent.credential}`,
        ...(grant === undefined ? {} : { "saveos-grant": grant }),
        ...(body === undefined ? {} : { "content-type": "application/octet-stream" }),
      },
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    });
    await answer.body?.cancel();
    return answer.status;
  }

  async function names(kind: (typeof kinds)[number]): Promise<string[]> {
    const listed: string[] = [];
    for await (const { id } of saveos.store(agent.repository_id).list(kind)) listed.push(id);
    return listed;
  }

  /** Tries to delete every object that there is, and the config. Resolves with what went. */
  async function deleteAll(grant?: string): Promise<Record<string, string[]>> {
    const gone: Record<string, string[]> = { config: [], data: [], index: [], keys: [], snapshots: [] };
    if ((await toGateway("DELETE", agent.repository_id, "config", grant)) === 200) gone["config"]?.push("config");
    for (const kind of kinds)
      for (const name of await names(kind))
        if ((await toGateway("DELETE", agent.repository_id, `${kind}/${name}`, grant)) === 200) gone[kind]?.push(name);
    return gone;
  }

  const nothing = { config: [], data: [], index: [], keys: [], snapshots: [] };

  test("deletes nothing by its credential alone, nor with tokens of its own making", async () => {
    const { grant } = forget;
    const forged = [
      undefined,
      "",
      "saveos_grant",
      agent.credential,
      `saveos_grant_${randomUUID()}_${randomBytes(32).toString("base64url")}`,
      `saveos_grant_${forget.job_id}_${randomBytes(32).toString("base64url")}`,
      `${grant}x`,
    ];
    for (const token of forged) expect(await deleteAll(token)).toEqual(nothing);
  });

  test("overwrites nothing", async () => {
    const body = randomBytes(500);
    expect(await toGateway("POST", agent.repository_id, "config", undefined, body)).toBe(403);
    for (const kind of kinds)
      for (const name of await names(kind))
        expect(await toGateway("POST", agent.repository_id, `${kind}/${name}`, undefined, body)).toBe(400);
  });

  test("neither sees nor deletes anything of another machine or tenant, with its grant or without", async () => {
    const neighbour = await enrolVictim(saveos.apiKey, "neighbour");
    const wanted = { name: "Other", owner_email: "stranger@example.com" };
    const made = createTenantResponse.parse(await asAdministrator("POST", "/api/v1/tenants", wanted));
    const stranger = await enrolVictim(await accept(saveos.server.httpUrl, made.invitation.token), "stranger");
    for (const other of [neighbour, stranger]) {
      await resticAs(other)("init");
      for (const grant of [undefined, forget.grant ?? ""]) {
        expect(await toGateway("GET", other.repository_id, "config", grant)).toBe(404);
        expect(await toGateway("DELETE", other.repository_id, `data/${"a".repeat(64)}`, grant)).toBe(404);
        expect(await toGateway("DELETE", other.repository_id, `locks/${"a".repeat(64)}`, grant)).toBe(404);
      }
      await resticAs(other)("check");
    }
  });

  test("gives itself no grant, decides nothing that waits, and brings nothing back", async () => {
    const tries: readonly (readonly [string, string, object?])[] = [
      ["POST", `/api/v1/repositories/${agent.repository_id}/grants`, { kind: "prune" }],
      ["GET", `/api/v1/repositories/${agent.repository_id}/grants`],
      ["DELETE", `/api/v1/grants/${forget.job_id}`],
      ["POST", `/api/v1/repositories/${agent.repository_id}/undelete`, { snapshot_id: history[0]?.id }],
      ["GET", "/api/v1/held-deletions"],
      ["GET", "/api/v1/delayed-changes"],
      ["PUT", `/api/v1/plans/${planId}`, { name: "plan", paths: ["/"], retention: { keep_last: 1 } }],
      ["PATCH", `/api/v1/tenants/${randomUUID()}`, { quarantine_days: 1 }],
      ["POST", "/api/v1/forget", { agent_id: agent.agent_id, snapshot_ids: history.map(({ id }) => id) }],
      ["POST", "/api/v1/prune", { agent_id: agent.agent_id, max_delete_percent: 100 }],
    ];
    for (const [method, path, body] of tries)
      expect([path, (await asAgent(method, path, body)).status]).toEqual([path, 403]);
  });

  test("pushes no real snapshot out by a flood of forged ones", async () => {
    const empty = join(temp.path, "empty");
    await mkdir(empty);
    for (let count = 0; count < 4; count++)
      await restic(
        "backup",
        empty,
        "--time",
        `203${count}-01-01 00:00:00`,
        "--host",
        "victim",
        "--tag",
        `plan-${planId}`,
      );
    for (let count = 0; count < 20; count++) {
      const junk = randomBytes(200);
      const name = createHash("sha256").update(junk).digest("hex");
      expect(await toGateway("POST", agent.repository_id, `snapshots/${name}`, undefined, junk)).toBe(200);
    }
    // And it says of one of its jobs whatever it likes, as often as it likes.
    const forged = (await names("snapshots")).find((id) => history.every((each) => each.id !== id)) ?? "";
    for (let sequence = 10; sequence < 20; sequence++)
      await report(forget.job_id, sequence, { kind: "progress", progress: { files_done: 1, bytes_done: 1 } });
    const preview = { agent_id: agent.agent_id, plan_id: planId, retention: { keep_last: runs - 1 } };
    const answer = (await asAdministrator("POST", "/api/v1/plans/preview-retention", preview)) as {
      keep: { snapshot_id: string }[];
      remove: { snapshot_id: string }[];
    };
    expect(answer.keep.map((each) => each.snapshot_id)).not.toContain(forged);
    expect(answer.keep.map((each) => each.snapshot_id).toReversed()).toEqual(history.slice(1).map(({ id }) => id));
    expect(answer.remove.map((each) => each.snapshot_id)).toEqual([history[0]?.id]);
  });

  test("forgets with a forget's grant what the plan removes, and nothing else, and nothing after the job", async () => {
    const [oldest] = history;
    expect(forget.snapshot_ids).toEqual([oldest?.id]);
    const { grant } = forget;
    expect(await deleteAll(grant ?? "")).toEqual({ ...nothing, snapshots: [oldest?.id] });
    await report(forget.job_id, 30, {
      kind: "finished",
      outcome: "completed",
      summary: { snapshots_kept: 1, snapshots_removed: 1, snapshots_absent: 0 },
    });
    expect(await deleteAll(grant ?? "")).toEqual(nothing);
  });

  test("deletes with a prune's grant half of the repository's bytes at most, no snapshot and no key, and nothing once it is cancelled", async () => {
    const order = await untilOrder("prune");
    const sizes = new Map<string, number>();
    for (const name of await names("data")) {
      const head = await fetch(new URL(`/restic/${agent.repository_id}/data/${name}`, saveos.server.httpUrl), {
        method: "HEAD",
        headers: { authorization: `Bearer ${agent.credential}` },
      });
      sizes.set(name, Number(head.headers.get("content-length")));
    }
    const gone = await deleteAll(order.grant ?? "");
    expect([gone["config"], gone["keys"], gone["snapshots"]]).toEqual([[], [], []]);
    const sum = (list: readonly string[]) => list.reduce((bytes, name) => bytes + (sizes.get(name) ?? 0), 0);
    const deleted = sum(gone["data"] ?? []);
    expect(deleted).toBeGreaterThan(0);
    expect(deleted).toBeLessThan(0.55 * sum([...sizes.keys()]));
    expect((await restic.attempt("check", "--read-data")).code).not.toBe(0);

    await asAdministrator("POST", `/api/v1/jobs/${order.job_id}/cancel`);
    expect(await deleteAll(order.grant ?? "")).toEqual(nothing);
  });

  test("and after all of it, the history is brought back whole", async () => {
    // What it stored under the names of snapshots is told apart by who knows the password, and is not history.
    const readable = new Set((await restic.json("snapshots")).flat().map((each) => (each as { id: string }).id));
    const junk = (await names("snapshots")).filter((id) => !readable.has(id));
    expect(junk).toHaveLength(20);
    await administrator.letDelete(agent.repository_id, { forget: junk });
    for (const id of junk) await saveos.store(agent.repository_id).delete(`snapshots/${id}` as never);

    for (const { id } of history) await administrator.undelete(agent.repository_id, id);
    const owner = resticOn(saveos.resticAddress(agent.repository_id), "geheim", { cacert: saveos.authorityFile });
    await owner("check", "--read-data");
    for (const { id, manifest } of history) {
      const back = join(temp.path, `back-${id}`);
      await owner("restore", id, "--target", back);
      expect(await manifestOf(join(back, source))).toEqual(manifest);
    }
    const { grants } = grantList.parse(
      await asAdministrator("GET", `/api/v1/repositories/${agent.repository_id}/grants`),
    );
    expect(grants.filter(({ ended_at }) => ended_at === null)).toEqual([]);
    expect(
      jobAccepted.safeParse(await asAdministrator("POST", "/api/v1/check", { agent_id: agent.agent_id })).success,
    ).toBe(true);
  });
});
