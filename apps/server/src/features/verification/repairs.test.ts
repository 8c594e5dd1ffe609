import { randomUUID } from "node:crypto";
import { type JobSummary, planRequest } from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ObjectName } from "../../object-store/object-name.ts";
import { type EnrolledAgent, enrolAgent } from "../../testing/enrol-agent.ts";
import { RememberingQueue } from "../../testing/remembering-queue.ts";
import { summaryOf } from "../../testing/summary-of.ts";
import { type FreshDatabase, startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";
import { recordReports } from "../jobs/record-reports.ts";
import { createPlan } from "../plans/change-plan.ts";
import { listFindings } from "./queries.ts";
import { type StoredRepository, type VerifiedWorld, verifiedWorld } from "./testing/verified-world.ts";

let databases: TestDatabases;
let fresh: FreshDatabase;
let world: VerifiedWorld;
let agent: EnrolledAgent;
let repository: StoredRepository;
/** A snapshot of the repository. */
let snapshot: ObjectName;

beforeAll(async () => {
  databases = await startTestDatabases();
});
afterAll(async () => await databases.stop());
beforeEach(async () => {
  fresh = await databases.fresh();
  world = await verifiedWorld(fresh);
  agent = await enrolAgent({ ...fresh, clock: world.clock });
  repository = await world.fillRepository(agent.repositoryId, ["one", "two", "three"]);
  snapshot = await world.store(repository.id, "snapshots", "snapshot");
});

/** Damages packs and has it found. */
async function damage(...packs: readonly number[]): Promise<void> {
  for (const pack of packs) await world.overwrite(repository.id, repository.packs[pack]!, "other");
  await world.verifyAll();
}

async function jobs() {
  return await fresh.database.selectFrom("jobs").selectAll().orderBy("requested_at").orderBy("kind").execute();
}

async function pending(kind: string) {
  const [job] = (await jobs()).filter((each) => each.kind === kind && each.state === "pending");
  if (job === undefined) throw new Error(`no ${kind} waits`);
  return job;
}

/** The agent does a job that waits for it, and the worker hears of that. */
async function end(jobId: string, outcome: "completed" | "failed", summary?: JobSummary): Promise<void> {
  const at = world.clock.now().toISOString();
  await recordReports({ ...fresh, clock: world.clock, queue: new RememberingQueue() }, agent, [
    { kind: "started", job_id: jobId, sequence: 0, at },
    {
      kind: "finished",
      job_id: jobId,
      sequence: 1,
      at,
      outcome,
      ...(summary === undefined ? { error: "invalid-order" } : { summary }),
    },
  ]);
  world.clock.advance({ seconds: 10 });
  await world.verifyAll();
}

const repaired = (lost: number, snapshots_at_risk: string[]): JobSummary => ({
  packs_removed: 1,
  blobs_saved: 10,
  blobs_lost: lost,
  snapshots_at_risk,
});

/** What the gateway does when the agent deletes packs by its job's grant. */
async function packsAreGone(...packs: readonly number[]): Promise<void> {
  const names = packs.map((pack) => repository.packs[pack]!.name);
  await fresh.database.deleteFrom("objects").where("name", "in", names).execute();
}

async function findings() {
  const { findings: found } = await listFindings(fresh.database, { limit: 100 });
  return found;
}

async function newPlan(): Promise<void> {
  const caller = {
    kind: "api-key",
    tenantId: fresh.tenantId,
    role: "owner",
    keyId: randomUUID(),
    name: "test",
    scopes: undefined,
  } as const;
  const request = { headers: {}, ip: "127.0.0.1" } as FastifyRequest;
  const deps = { ...fresh, clock: world.clock, queue: new RememberingQueue() };
  const plan = planRequest.parse({ name: "plan", paths: ["/home"], agent_ids: [agent.agentId] });
  await createPlan(deps, { caller, request }, plan);
}

describe("a repository with damaged packs", () => {
  test("is repaired by its machine, in one job for all of them", async () => {
    await damage(0, 1);
    expect(await jobs()).toMatchObject([
      {
        kind: "repair",
        agent_id: agent.agentId,
        order: { repository_id: repository.id, dry_run: false, rebuild_index: false },
      },
    ]);
    const { id, order } = await pending("repair");
    expect(order.kind === "repair" && order.pack_ids.toSorted()).toEqual(
      [repository.packs[0]!.name, repository.packs[1]!.name].sort(),
    );
    expect(await findings()).toMatchObject([
      { state: "repairing", job_id: id },
      { state: "repairing", job_id: id },
    ]);
  });

  test("is whole again if everything in them could be saved", async () => {
    await damage(0);
    await packsAreGone(0);
    await end((await pending("repair")).id, "completed", repaired(0, []));
    expect(await findings()).toMatchObject([{ state: "repaired", snapshots_at_risk: [] }]);
    expect(await jobs()).toHaveLength(1);
  });

  test("is backed up again if something was lost, and is whole once nothing is missing after that", async () => {
    await newPlan();
    await damage(0);
    await packsAreGone(0);
    await end((await pending("repair")).id, "completed", repaired(3, [snapshot.name]));
    const [backup, look] = [await pending("backup"), await pending("repair")];
    expect(look.order).toMatchObject({ dry_run: true, pack_ids: [repository.packs[0]!.name] });
    expect(await findings()).toMatchObject([
      { state: "repairing", job_id: look.id, snapshots_at_risk: [snapshot.name] },
    ]);
    await end(backup.id, "completed", summaryOf("ab".repeat(32)));
    expect(await findings()).toMatchObject([{ state: "repairing" }]);
    await end(look.id, "completed", repaired(0, []));
    expect(await findings()).toMatchObject([{ state: "repaired", snapshots_at_risk: [] }]);
  });

  test("has lost something if it is still missing after the backup, and the snapshots are named", async () => {
    await damage(0);
    await packsAreGone(0);
    await end((await pending("repair")).id, "completed", repaired(3, [snapshot.name]));
    await end((await pending("repair")).id, "completed", repaired(0, [snapshot.name]));
    expect(await findings()).toMatchObject([{ state: "lost", snapshots_at_risk: [snapshot.name] }]);
    for (let hour = 0; hour < 30; hour += 1) {
      world.clock.advance({ hours: 1 });
      await world.verifyAll();
    }
    expect(await jobs()).toHaveLength(2);
  });

  test("is looked at again a week after something was lost, because files may have come back", async () => {
    await damage(0, 1);
    await packsAreGone(0, 1);
    await end((await pending("repair")).id, "completed", repaired(3, [snapshot.name]));
    await end((await pending("repair")).id, "completed", repaired(0, [snapshot.name]));
    world.clock.advance({ hours: 7 * 24 });
    await world.verifyAll();
    const look = await pending("repair");
    expect(look.order).toMatchObject({ dry_run: true });
    await end(look.id, "completed", repaired(0, []));
    expect(await findings()).toMatchObject([{ state: "repaired" }, { state: "repaired" }]);
  });

  test("has nothing lost any more once no snapshot needs it", async () => {
    await damage(0);
    await packsAreGone(0);
    await end((await pending("repair")).id, "completed", repaired(3, [snapshot.name]));
    await end((await pending("repair")).id, "completed", repaired(0, [snapshot.name]));
    await fresh.database.deleteFrom("objects").where("name", "=", snapshot.name).execute();
    world.clock.advance({ minutes: 1 });
    await world.verifyAll();
    expect(await findings()).toMatchObject([{ state: "removed" }]);
  });

  test("is told to its machine once a day, not more often, if that can't repair it", async () => {
    await damage(0);
    await end((await pending("repair")).id, "failed");
    expect(await findings()).toMatchObject([{ state: "found" }]);
    world.clock.advance({ hours: 23 });
    await world.verifyAll();
    expect(await jobs()).toHaveLength(1);
    world.clock.advance({ hours: 1 });
    await world.verifyAll();
    expect(await jobs()).toHaveLength(2);
  });

  test("that its machine didn't remove is not called whole", async () => {
    await damage(0);
    await end((await pending("repair")).id, "completed", repaired(0, []));
    expect(await findings()).toMatchObject([{ state: "found" }]);
    await world.verifyAll();
    expect(await jobs()).toHaveLength(1);
  });

  test("of which a pack is missing, and nobody needs it, needn't miss it", async () => {
    await world.remove(repository.id, repository.packs[0]!);
    await world.verifyAll();
    await end((await pending("repair")).id, "completed", repaired(0, []));
    expect(await findings()).toMatchObject([{ what: "missing", state: "repaired" }]);
    await world.verifyAll();
    expect(await jobs()).toHaveLength(1);
  });

  test("waits if it has no machine any more", async () => {
    await fresh.database.updateTable("agents").set({ revoked_at: world.clock.now() }).execute();
    await damage(0);
    expect(await jobs()).toEqual([]);
    expect(await findings()).toMatchObject([{ state: "found" }]);
  });
});

describe("two workers", () => {
  test("order one repair", async () => {
    await world.overwrite(repository.id, repository.packs[0]!, "other");
    await world.verifier.turn(new AbortController().signal);
    const [one, two] = [world.newVerifier(), world.newVerifier()];
    const { signal } = new AbortController();
    await Promise.all([one.turn(signal), two.turn(signal)]);
    expect(await jobs()).toHaveLength(1);
  });
});

describe("of what isn't a pack", () => {
  test("the index is made anew by the machine", async () => {
    const index = await world.store(repository.id, "index", "index");
    await world.overwrite(repository.id, index, "other");
    await world.verifyAll();
    expect((await pending("repair")).order).toMatchObject({ pack_ids: [], rebuild_index: true });
  });

  test("a damaged snapshot or key is named, and nothing is done about it", async () => {
    await world.overwrite(repository.id, snapshot, "other");
    await world.verifyAll();
    expect(await findings()).toMatchObject([{ kind: "snapshots", state: "found", snapshots_at_risk: [snapshot.name] }]);
    expect(await jobs()).toEqual([]);
  });
});
