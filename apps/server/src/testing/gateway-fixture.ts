import type { GrantKind } from "@saveos/contract";
import fastify, { type FastifyBaseLogger, type FastifyRequest } from "fastify";
import type { Kysely } from "kysely";
import { randomUUID } from "node:crypto";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { type Clock, systemClock } from "../clock.ts";
import type { Database } from "../database/schema.ts";
import { isRemovable } from "../features/plans/index.ts";
import { type GatewayCaller, type GatewayDeps, grantToKey, registerGateway } from "../gateway/index.ts";
import type { ObjectStorage } from "../object-store/index.ts";
import type { FreshDatabase } from "./test-databases.ts";

/** A gateway on a loopback port, with the callers that tests need. Ends with the test. */
export interface TestGateway {
  readonly database: Kysely<Database>;
  readonly objects: ObjectStorage;
  readonly log: TestLog;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** The repository of `agent`. */
  readonly repository: string;
  readonly agentId: string;
  /** Lets the administrator's key delete something of a repository, for an hour. Returns the grant's id. */
  readonly letDelete: (
    kind: GrantKind,
    options?: { readonly names?: readonly string[]; readonly percent?: number; readonly repository?: string },
  ) => Promise<string>;
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>;
  /** Sends bytes as they are, then breaks off (`close`) or says that there are no more (`end`), and returns all that comes back. */
  readonly sendRaw: (text: string, options?: { readonly finally?: "close" | "end" }) => Promise<string>;
}

export interface CallOptions {
  readonly as?: Caller | undefined;
  readonly body?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/**
 * `nobody` sends no credential, `stranger` a wrong one; `otherAgent` has a repository of its own. `administrator` and `otherKey` are API keys, `person` is an administrator who
 * signed in.
 */
export type Caller = "nobody" | "stranger" | "agent" | "otherAgent" | "administrator" | "otherKey" | "person";

export async function startGateway(
  { databases, database, tenantId }: FreshDatabase,
  objects: ObjectStorage,
  options: Pick<GatewayDeps, "silenceMaxMs"> & {
    readonly maxBytes?: number;
    readonly clock?: Clock;
    readonly isRemovable?: GatewayDeps["isRemovable"];
    readonly restores?: (agentId: string, repositoryId: string) => boolean;
  } = {},
): Promise<TestGateway> {
  const agent = await insertAgent(database, tenantId, options.maxBytes);
  const otherAgent = await insertAgent(database, tenantId);
  const [keyId, otherKeyId] = [await insertKey(database), await insertKey(database)];
  const callers: Record<string, GatewayCaller> = {
    administrator: { kind: "administrator", tenantId, keyId },
    otherKey: { kind: "administrator", tenantId, keyId: otherKeyId },
    person: { kind: "administrator", tenantId },
    agent,
    otherAgent,
  };
  const log = new TestLog();
  const app = fastify();
  registerGateway(app, {
    databases,
    objects,
    log,
    clock: options.clock ?? systemClock,
    isRemovable: options.isRemovable ?? isRemovable,
    workOn: async (_database, agentId, repositoryId) =>
      options.restores?.(agentId, repositoryId) === true ? "restore" : undefined,
    authorize: async (request) => callers[credentialOf(request)],
    ...(options.silenceMaxMs === undefined ? {} : { silenceMaxMs: options.silenceMaxMs }),
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => app.close());
  const port = Number(new URL(url).port);
  const call: TestGateway["call"] = (method, path, { as = "agent", body, headers = {} } = {}) =>
    callHttp(port, method, `/restic/${path}`, body, {
      ...(as === "nobody" ? {} : { authorization: basic(as) }),
      ...(body === undefined
        ? {}
        : { "content-type": "application/octet-stream", "content-length": String(body.length) }),
      ...headers,
    });
  const sendRaw: TestGateway["sendRaw"] = (text, { finally: ending } = {}) => sendRawTo(port, text, ending);
  const { agentId, repositoryId: repository } = agent;
  const clock = options.clock ?? systemClock;
  const letDelete: TestGateway["letDelete"] = async (kind, { names, percent, repository: other } = {}) => {
    const expiresAt = new Date(clock.now().getTime() + 3_600_000);
    const wanted = { keyId, kind, repositoryId: other ?? repository, names, maxDeletePercent: percent, expiresAt };
    return (await grantToKey({ database, clock }, wanted)).id;
  };
  return { letDelete, database, objects, log, url, repository, agentId, call, sendRaw };
}

/** A credential as restic sends it: any user, the credential as the password. */
export function basic(caller: Caller): string {
  return `Basic ${Buffer.from(`restic:${caller}`).toString("base64")}`;
}

function credentialOf(request: FastifyRequest): string {
  const [, encoded = ""] = /^Basic (.+)$/.exec(request.headers.authorization ?? "") ?? [];
  return Buffer.from(encoded, "base64").toString().split(":")[1] ?? "";
}

async function insertKey(database: Kysely<Database>): Promise<string> {
  const id = randomUUID();
  const secret = { secret_sha256: Buffer.alloc(32), created_at: new Date(), expires_at: null };
  const unused = { last_used_at: null, revoked_at: null };
  const key = { id, name: "key", role: "administrator" as const, scopes: null, created_by: null };
  await database
    .insertInto("api_keys")
    .values({ ...key, ...secret, ...unused })
    .execute();
  return id;
}

async function insertAgent(
  database: Kysely<Database>,
  tenantId: string,
  maxBytes?: number,
): Promise<Extract<GatewayCaller, { readonly kind: "agent" }>> {
  const [agentId, repositoryId] = [randomUUID(), randomUUID()];
  const max_bytes = maxBytes === undefined ? null : BigInt(maxBytes);
  await database.insertInto("repositories").values({ id: repositoryId, max_bytes }).execute();
  const now = new Date();
  await database
    .insertInto("agents")
    .values({
      id: agentId,
      hostname: `machine-${agentId}`,
      platform: "linux",
      tags: [],
      agent_version: "0.1.0",
      machine_id: agentId,
      repository_id: repositoryId,
      created_at: now,
      registered_at: now,
      last_seen_at: null,
      identity_conflict_at: null,
      revoked_at: null,
    })
    .execute();
  return { kind: "agent", tenantId, agentId, repositoryId };
}

function callHttp(
  port: number,
  method: string,
  path: string,
  body: Uint8Array | undefined,
  headers: Record<string, string>,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const request = httpRequest({ host: "127.0.0.1", port, method, path, headers, agent: false }, (response) => {
    buffer(response).then(
      (bytes) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes }),
      reject,
    );
  });
  request.on("error", reject);
  request.end(body);
  return promise;
}

function sendRawTo(port: number, text: string, ending: "close" | "end" | undefined): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({ host: "127.0.0.1", port });
  let received = "";
  socket.setEncoding("latin1");
  socket.on("data", (data) => (received += String(data)));
  socket.on("error", () => undefined); // A connection that is cut is an answer, too.
  socket.on("close", () => resolve(received));
  socket.write(text, "latin1", () => {
    if (ending === "close") socket.destroy();
    if (ending === "end") socket.end();
  });
  return promise;
}

type Log = Pick<FastifyBaseLogger, "info" | "warn" | "error">;

/** Remembers what is logged, and lets a test wait for a message instead of sleeping. */
export class TestLog implements Log {
  readonly messages: string[] = [];
  readonly #waiting = new Map<string, () => void>();

  readonly info: Log["info"] = (...args: unknown[]) => this.#add(args);
  readonly warn: Log["warn"] = (...args: unknown[]) => this.#add(args);
  readonly error: Log["error"] = (...args: unknown[]) => this.#add(args);

  async waitFor(message: string): Promise<void> {
    if (this.messages.includes(message)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(message, resolve);
    await promise;
  }

  #add(args: readonly unknown[]): void {
    const message = String(args.at(-1));
    this.messages.push(message);
    this.#waiting.get(message)?.();
  }
}
