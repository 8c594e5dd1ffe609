import { auditList } from "@saveos/contract";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Answer, send } from "../../testing/api-client.ts";
import { type FreshServer, startFreshServer } from "../../testing/fresh-server.ts";
import { setUpServer, type SignedIn, testPassword } from "../../testing/people.ts";
import { type TestClock, testClock } from "../../testing/test-clock.ts";
import { startTestDatabases, type TestDatabases } from "../../testing/test-databases.ts";

let databases: TestDatabases;
let world: FreshServer;
let clock: TestClock;
let owner: SignedIn;
const email = "owner@example.com";

beforeAll(async () => {
  databases = await startTestDatabases();
  clock = testClock(new Date().toISOString());
  world = await startFreshServer(databases, { clock });
  owner = await setUpServer(world.server.httpUrl, world.server.setUpLink ?? "", email);
});
// No test suffers from the wrong passwords of another.
beforeEach(() => clock.advance({ minutes: 20 }));
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await databases.stop();
});

async function call(method: string, path: string, who: SignedIn | undefined, body?: unknown, headers = {}) {
  const cookie = who === undefined ? {} : { cookie: who.cookie };
  return await send(world.server.httpUrl, method, path, { headers: { ...cookie, ...headers }, body });
}

async function signIn(password: string, as = email): Promise<Answer> {
  return await call("POST", "/api/v1/session", undefined, { email: as, password });
}

function cookieOf({ headers }: Answer): SignedIn {
  return {
    cookie: headers
      .getSetCookie()
      .map((each) => each.split(";", 1)[0])
      .join("; "),
  };
}

async function isIn(who: SignedIn): Promise<boolean> {
  return (await call("GET", "/api/v1/session", who)).status === 200;
}

describe("signing in", () => {
  test("sets a cookie that no script reads and no other site sends", async () => {
    const answer = await signIn(testPassword);
    expect(answer.status).toBe(204);
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^saveos\.session_token=[^;]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
    expect(await isIn(cookieOf(answer))).toBe(true);
  });

  test("takes the address in any case", async () => {
    expect((await signIn(testPassword, "Owner@Example.COM")).status).toBe(204);
  });

  test("tells nothing about which of the two is wrong", async () => {
    const [password, person] = [await signIn("wrong password"), await signIn("wrong password", "none@example.com")];
    expect(password.status).toBe(401);
    expect(person).toMatchObject({ status: 401, body: password.body });
    expect(password.headers.getSetCookie()).toEqual([]);
  });

  test("takes as long for somebody unknown as for a wrong password", async () => {
    const fastest = async (as: string) => {
      const times: number[] = [];
      for (let i = 0; i < 4; i += 1) {
        const begun = performance.now();
        await signIn("wrong password", as);
        times.push(performance.now() - begun);
      }
      return Math.min(...times);
    };
    // Without a hash to work on, it would be a hundredth.
    expect(await fastest("none@example.com")).toBeGreaterThan((await fastest(email)) / 2);
  });

  test("is written down in the person's tenant, and so is a wrong password, without it", async () => {
    const before = (await events("user.signed-in")).length;
    await signIn(testPassword);
    await signIn("wrong password");
    await signIn("wrong password", "none@example.com");
    await expect.poll(async () => (await events("user.signed-in")).length).toBe(before + 1);
    const [signedIn] = await events("user.signed-in");
    expect(signedIn).toMatchObject({
      actor: { kind: "user", name: "Olivia Owner" },
      subject: { kind: "user", name: email },
      address: "127.0.0.1",
      details: {},
    });
    const [refused] = await events("user.sign-in-refused");
    expect(refused).toMatchObject({
      actor: { kind: "nobody", id: null },
      subject: { id: signedIn?.subject.id },
      address: "127.0.0.1",
      details: {},
    });
  });

  async function events(action: string) {
    return auditList.parse((await call("GET", `/api/v1/audit?action=${action}`, owner)).body).events;
  }
});

describe("wrong passwords", () => {
  async function guess(times: number, as = email): Promise<number[]> {
    const statuses: number[] = [];
    for (let i = 0; i < times; i += 1) statuses.push((await signIn("wrong password", as)).status);
    return statuses;
  }

  test("are answered with 429 after five, the right one too, until the time that is said has passed", async () => {
    expect(await guess(6)).toEqual([401, 401, 401, 401, 401, 429]);
    const refused = await signIn(testPassword);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("content-type")).toBe("application/problem+json");
    const seconds = Number(refused.headers.get("retry-after"));
    expect(seconds).toBe(15 * 60);
    clock.advance({ seconds: seconds - 1 });
    expect((await signIn(testPassword)).status).toBe(429);
    clock.advance({ seconds: 1 });
    expect((await signIn(testPassword)).status).toBe(204);
  });

  test("that come at the same moment are counted one by one", async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, async () => await signIn("wrong password")));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(7);
  });

  test("for one person don't lock out another", async () => {
    await guess(6, "none@example.com");
    expect((await signIn(testPassword)).status).toBe(204);
  });

  test("are forgotten with the right one", async () => {
    await guess(4);
    await signIn(testPassword);
    expect(await guess(5)).toEqual([401, 401, 401, 401, 401]);
  });
});

describe("a session", () => {
  test("ends on signing out, for whoever else has its cookie", async () => {
    const session = cookieOf(await signIn(testPassword));
    const out = await call("DELETE", "/api/v1/session", session);
    expect(out.status).toBe(204);
    expect(out.headers.getSetCookie()[0]).toMatch(/^saveos\.session_token=; Max-Age=0; /);
    expect(await isIn(session)).toBe(false);
  });

  test("that is used goes on, and its cookie with it", async () => {
    const session = cookieOf(await signIn(testPassword));
    expect((await call("GET", "/api/v1/agents", session)).headers.getSetCookie()).toEqual([]);
    await sql`update user_sessions set expires_at = now() + interval '2 days'`.execute(world.fresh.owner);
    const { status, headers } = await call("GET", "/api/v1/agents", session);
    expect(status).toBe(200);
    expect(headers.getSetCookie()).toEqual([expect.stringContaining("Max-Age=604800")]);
    const { rows } = await sql<{ days: number }>`
      select round(extract(epoch from max(expires_at) - now()) / 86400)::integer as days from user_sessions`.execute(
      world.fresh.owner,
    );
    expect(rows).toEqual([{ days: 7 }]);
  });

  test("that has run out opens nothing", async () => {
    const session = cookieOf(await signIn(testPassword));
    await sql`update user_sessions set expires_at = now()`.execute(world.fresh.owner);
    expect(await isIn(session)).toBe(false);
    owner = cookieOf(await signIn(testPassword));
  });

  test("isn't believed when its cookie was changed", async () => {
    const session = cookieOf(await signIn(testPassword));
    expect(await isIn({ cookie: session.cookie.replace(/=./, (start) => (start === "=a" ? "=b" : "=a")) })).toBe(false);
  });
});

describe("changing the password", () => {
  const newPassword = "another horse, another battery";
  const change = async (who: SignedIn, current_password: string, new_password: string) =>
    await call("POST", "/api/v1/session/password", who, { current_password, new_password });

  test("ends the person's other sessions and keeps this one", async () => {
    const [other, own] = [cookieOf(await signIn(testPassword)), cookieOf(await signIn(testPassword))];
    expect((await change(own, testPassword, newPassword)).status).toBe(204);
    expect([await isIn(other), await isIn(own)]).toEqual([false, true]);
    expect((await signIn(testPassword)).status).toBe(401);
    expect((await signIn(newPassword)).status).toBe(204);
    expect((await change(own, newPassword, testPassword)).status).toBe(204);
    owner = own;
  });

  test("needs the current one, which can't be guessed any faster than by signing in", async () => {
    const refused = await change(owner, "wrong password", newPassword);
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ pointer: "/current_password" }] } });
    for (let i = 0; i < 4; i += 1) await change(owner, "wrong password", newPassword);
    expect((await change(owner, testPassword, newPassword)).status).toBe(429);
  });
});

describe("a page of another site", () => {
  const rename = async (headers: Record<string, string>) => {
    const { tenants } = (await call("GET", "/api/v1/tenants", owner)).body as { tenants: { id: string }[] };
    return (await call("PATCH", `/api/v1/tenants/${tenants[0]?.id}`, owner, { name: "Renamed" }, headers)).status;
  };

  test.each([
    ["says so itself", { "sec-fetch-site": "cross-site" }],
    ["is one of a sibling's", { "sec-fetch-site": "same-site" }],
    ["is known by its origin", { origin: "https://evil.example" }],
    ["hides its origin", { origin: "null" }],
  ])("changes nothing with the cookie of a person: one that %s", async (_how, headers) => {
    expect(await rename(headers)).toBe(403);
    expect((await call("DELETE", "/api/v1/session", owner, undefined, headers)).status).toBe(403);
    expect(await isIn(owner)).toBe(true);
  });

  test("is told from this server's own, and from programs", async () => {
    const { origin } = new URL(world.server.httpUrl);
    for (const headers of [{ "sec-fetch-site": "same-origin", origin }, { origin }, { "sec-fetch-site": "none" }, {}]) {
      expect(await rename(headers), JSON.stringify(headers)).toBe(200);
    }
  });

  test("may send what an API key opens: no browser sends a key by itself", async () => {
    const credential = await world.server.createApiKey();
    const headers = { "sec-fetch-site": "cross-site" };
    const options = { credential, headers, body: { name: "a", paths: ["/etc"] } };
    expect((await send(world.server.httpUrl, "POST", "/api/v1/plans", options)).status).toBe(201);
  });
});
