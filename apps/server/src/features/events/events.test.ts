import { once } from "node:events";
import { connect } from "node:net";
import { liveEvent } from "@saveos/contract";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type FreshServer, startFreshServer } from "../../testing/fresh-server.ts";
import { joinAs } from "../../testing/people.ts";
import { startServer } from "../../testing/start-server.ts";
import { type Credential, headersOf, tenantFixture, type TenantFixture } from "../../testing/tenant-fixture.ts";
import { startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";
import { aliveEveryMs, streamsOfCallerMax } from "./routes.ts";

let databases: TestDatabases;
let fresh: FreshServer;
let world: TenantFixture;

beforeAll(async () => {
  databases = await startTestDatabases();
  fresh = await startFreshServer(databases);
  world = await tenantFixture(fresh.server);
});
afterAll(async () => {
  await fresh[Symbol.asyncDispose]();
  await databases.stop();
});

/** A client as the HTML Standard has it. Disposing of it hangs up. */
class Listener implements AsyncDisposable {
  readonly events: { readonly name: string; readonly data: string }[] = [];
  readonly comments: string[] = [];
  /** Settles when the server ends the stream. */
  readonly ended: Promise<void>;
  readonly #hangUp: AbortController;

  static async at(url: string, who: Credential): Promise<Listener> {
    const hangUp = new AbortController();
    const response = await fetch(new URL("/api/v1/events", url), { headers: headersOf(who), signal: hangUp.signal });
    if (response.status !== 200 || response.body === null) throw new Error(`no stream: ${response.status}`);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    return new Listener(response.body, hangUp);
  }

  private constructor(body: ReadableStream<Uint8Array>, hangUp: AbortController) {
    this.#hangUp = hangUp;
    this.ended = this.#read(body).catch(() => {});
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let unread = "";
    for await (const piece of body) {
      const blocks = (unread + decoder.decode(piece, { stream: true })).split("\n\n");
      unread = blocks.pop() ?? "";
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block: string): void {
    if (block.startsWith(":")) this.comments.push(block.slice(1).trim());
    const name = /^event: (.*)$/m.exec(block)?.[1];
    const data = /^data: (.*)$/m.exec(block)?.[1];
    if (name !== undefined && data !== undefined) this.events.push({ name, data });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hangUp.abort();
    await this.ended;
  }
}

const names = ({ events }: Listener) => events.map(({ name }) => name);

test("a change is told with the id of what changed, and not with what it is now", async () => {
  const agent = await world.newAgent("machine");
  await using listener = await Listener.at(world.url, world.people.viewer);
  const jobId = await world.newJob(agent.agentId);
  await expect.poll(() => names(listener)).toContain("job");
  const { data } = listener.events.find(({ name }) => name === "job")!;
  expect(liveEvent.parse(JSON.parse(data))).toEqual({ type: "job", id: jobId, agent_id: agent.agentId });
});

test("a change is heard in its own tenant and in no other", async () => {
  await using ours = await Listener.at(world.url, world.people.owner);
  await using theirs = await Listener.at(world.url, world.stranger);
  await world.newPlan();
  const theirPlan = await world.newPlan(world.stranger);
  await expect.poll(() => names(ours)).toContain("plan");
  await expect.poll(() => names(theirs)).toContain("plan");
  expect(theirs.events).toHaveLength(1);
  expect(theirs.events[0]?.data).toContain(theirPlan);
  expect(JSON.stringify(ours.events)).not.toContain(theirPlan);
});

test("a change that is undone is not told", async () => {
  await using listener = await Listener.at(world.url, world.people.owner);
  await world.call(world.people.owner, "POST", "/api/v1/plans", {
    name: "never",
    paths: ["/etc"],
    agent_ids: [crypto.randomUUID()],
  });
  const made = await world.newPlan();
  await expect.poll(() => listener.events.length).toBe(1);
  expect(listener.events[0]?.data).toContain(made);
});

test("a change in one process is heard in another", async () => {
  await using other = await startServer({
    environment: { DATABASE_URL: fresh.databaseUrl, SAVEOS_LOG_LEVEL: "silent", SAVEOS_ROLE: "api" },
  });
  await using listener = await Listener.at(other.httpUrl, world.people.owner);
  const plan = await world.newPlan();
  await expect.poll(() => JSON.stringify(listener.events)).toContain(plan);
});

test("a listener is told to look again after the database was lost, and hears what comes then", async () => {
  await using listener = await Listener.at(world.url, world.people.owner);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query = 'listen saveos_event'`.execute(fresh.fresh.owner);
  await expect.poll(() => names(listener), { timeout: 20_000 }).toContain("resync");
  const plan = await world.newPlan();
  await expect.poll(() => JSON.stringify(listener.events)).toContain(plan);
});

test("what a newer process tells and this one doesn't know is left out", async () => {
  await using listener = await Listener.at(world.url, world.people.owner);
  const notify = async (event: object) => {
    const payload = JSON.stringify({ tenant: world.tenantId, event });
    await sql`select pg_notify('saveos_event', ${payload})`.execute(fresh.fresh.owner);
  };
  await notify({ type: "from tomorrow", id: "1", agent_id: null });
  await notify({ type: "plan", id: "1", agent_id: null });
  await expect
    .poll(() => listener.events)
    .toEqual([{ name: "plan", data: '{"type":"plan","id":"1","agent_id":null}' }]);
});

test("a caller has so many streams and no more, and a closed one makes room", async () => {
  const who = { bearer: (await world.newKey("viewer")).key };
  const streams = await Promise.all(
    Array.from({ length: streamsOfCallerMax }, async () => await Listener.at(world.url, who)),
  );
  const refused = await world.call(who, "GET", "/api/v1/events");
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).not.toBeNull();
  await using other = await Listener.at(world.url, world.people.viewer);
  expect(other.events).toEqual([]);
  await Promise.all(streams.map(async (stream) => await stream[Symbol.asyncDispose]()));
  await expect.poll(async () => await isOpened(who)).toBe(true);
});

async function isOpened(who: Credential): Promise<boolean> {
  try {
    await using _stream = await Listener.at(world.url, who);
    return true;
  } catch {
    return false;
  }
}

test("a client that is gone before it is let in leaves no stream behind", async () => {
  const who = { bearer: (await world.newKey("viewer")).key };
  for (let i = 0; i < 2 * streamsOfCallerMax; i += 1) {
    const { hostname, port } = new URL(world.url);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    socket.write(`GET /api/v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${who.bearer}\r\n\r\n`);
    // Node tells of a written piece when the system has it.
    await new Promise((resolve) => socket.write("", resolve));
    socket.destroy();
  }
  await expect.poll(async () => await isOpened(who)).toBe(true);
  const streams = await Promise.all(
    Array.from({ length: streamsOfCallerMax }, async () => await Listener.at(world.url, who)),
  );
  await Promise.all(streams.map(async (stream) => await stream[Symbol.asyncDispose]()));
});

test("who doesn't read is cut off, and who does hears everything", async () => {
  const { hostname, port } = new URL(world.url);
  const sleeper = connect(Number(port), hostname);
  sleeper.pause();
  sleeper.write(
    `GET /api/v1/events HTTP/1.1\r\nHost: a\r\nCookie: ${world.people.owner.cookie}\r\nConnection: close\r\n\r\n`,
  );
  await using listener = await Listener.at(world.url, world.people.owner);
  // Until both are there.
  await world.newPlan();
  await expect.poll(() => listener.events.length).toBe(1);
  // More than the system keeps for a connection, and much more than the server does.
  const count = 3000;
  await sql`select pg_notify('saveos_event', json_build_object(
      'tenant', ${world.tenantId}::text, 'event', json_build_object('type', 'job', 'id', i || repeat('x', 7000), 'agent_id', null)
    )::text) from generate_series(1, ${count}::integer) as i`.execute(fresh.fresh.owner);
  await expect.poll(() => listener.events.length, { timeout: 30_000 }).toBe(count + 1);
  let received = 0;
  sleeper.on("data", (piece) => (received += piece.length));
  sleeper.on("error", () => {});
  const closed = once(sleeper, "close");
  sleeper.resume();
  await closed;
  expect(received).toBeLessThan(count * 7000);
});

test("a listener is shown that the stream lives, and out when they may not listen any more", async () => {
  const key = await world.newKey("viewer");
  const left = await joinAs(world.url, world.people.owner, "viewer", "leaves@example.com");
  const { body } = await world.call(left, "GET", "/api/v1/session");
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    await using stays = await Listener.at(world.url, world.people.viewer);
    await using byKey = await Listener.at(world.url, { bearer: key.key });
    await using byPerson = await Listener.at(world.url, left);
    vi.advanceTimersByTime(aliveEveryMs);
    await expect
      .poll(() => [stays, byKey, byPerson].map(({ comments }) => comments))
      .toEqual([["alive"], ["alive"], ["alive"]]);
    await world.call(world.people.owner, "DELETE", `/api/v1/api-keys/${key.id}`);
    await world.call(world.people.owner, "DELETE", `/api/v1/users/${(body as { user: { id: string } }).user.id}`);
    vi.advanceTimersByTime(aliveEveryMs);
    await Promise.all([byKey.ended, byPerson.ended]);
    const plan = await world.newPlan();
    await expect.poll(() => JSON.stringify(stays.events)).toContain(plan);
    expect(JSON.stringify(byKey.events)).not.toContain(plan);
  } finally {
    vi.useRealTimers();
  }
});

test("a stop ends the streams in order, and doesn't wait for them", async () => {
  const server = await startServer({
    environment: { DATABASE_URL: fresh.databaseUrl, SAVEOS_LOG_LEVEL: "silent", SAVEOS_ROLE: "api" },
  });
  const listener = await Listener.at(server.httpUrl, world.people.owner);
  const begun = performance.now();
  await server.stop();
  await listener.ended;
  expect(performance.now() - begun).toBeLessThan(4000);
});
