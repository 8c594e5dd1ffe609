import { grantHeader } from "@saveos/contract";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type GatewayCaller, owns } from "./caller.ts";
import { createRepository, repositoryExists } from "./create-repository.ts";
import { deleteObject } from "./delete-object.ts";
import type { DeletionDeps, GatewayDeps } from "./deps.ts";
import { listObjects } from "./list-objects.ts";
import { type GatewayAddress, methodsOf, parseAddress } from "./parse-request.ts";
import { QuotaKeeper } from "./quota.ts";
import { getObject, headObject } from "./read-object.ts";
import { type Refusal, refusalFor, sendRefusal } from "./refusal.ts";
import { uploadObject } from "./upload-object.ts";

/**
 * How long a transfer may stand still. Clients give up after five minutes; a machine that was switched off in the middle of an upload
 * must not keep a connection and a temporary file longer than that.
 */
const defaultSilenceMaxMs = 120_000;

/** Asks curl and browsers for a credential; restic sends it unasked. */
const challenge = { "www-authenticate": 'Basic realm="SaveOS"' };

type Deps = GatewayDeps & { readonly quota: QuotaKeeper };
type RepositoryDeps = DeletionDeps & { readonly quota: QuotaKeeper };

/**
 * Serves restic's REST protocol, versions 1 and 2, below `/restic/{repository}/` (restic REST_backend.rst). Only the status counts to a
 * client: success is exactly 200, or 206 for a range.
 */
export function registerGateway(app: FastifyInstance, gatewayDeps: GatewayDeps): void {
  const deps: Deps = { ...gatewayDeps, quota: new QuotaKeeper() };
  void app.register(async (scope) => {
    // Bodies are streamed by whoever handles the request, whatever type they are said to have.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _body, done) => done(null));
    scope.setErrorHandler((error, request, reply) => answerError(deps, error, request, reply));
    scope.route({
      method: scope.supportedMethods,
      url: "/restic/*",
      exposeHeadRoute: false,
      handler: (request, reply) => answer(deps, request, reply),
      schema: { hide: true },
    });
  });
}

/** Who asks comes before what is asked for: nobody learns by a 404 what there is. */
async function answer(deps: Deps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  request.raw.socket.setTimeout(deps.silenceMaxMs ?? defaultSilenceMaxMs);
  const caller = await deps.authorize(request);
  const address = parseAddress(request.raw.url ?? "");
  if (caller === undefined)
    await sendRefusal(reply, { status: 401, detail: "This needs a credential of the repository.", headers: challenge });
  else if (address === undefined) await sendRefusal(reply, noSuchThing);
  else
    await answerInTenant(
      { ...deps, database: deps.databases.ofTenant(caller.tenantId) },
      caller,
      address,
      request,
      reply,
    );
  return reply;
}

async function answerInTenant(
  deps: RepositoryDeps & Pick<Deps, "workOn">,
  caller: GatewayCaller,
  address: GatewayAddress,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (owns(caller, address.repositoryId)) return await answerTo(deps, caller, address, request, reply);
  const work =
    caller.kind === "agent" ? await deps.workOn(deps.database, caller.agentId, address.repositoryId) : undefined;
  if (work === undefined) return await sendRefusal(reply, noSuchThing);
  if (work === "restore" && !isReading(request.method, address)) return await sendRefusal(reply, readOnly);
  await answerTo(deps, caller, address, request, reply);
}

/** Who restores reads, and locks what it reads (restic design, "Locks"). */
function isReading(method: string, { target }: GatewayAddress): boolean {
  return method === "GET" || method === "HEAD" || (target.of === "object" && target.object.kind === "locks");
}

const readOnly: Refusal = {
  status: 403,
  detail: "This repository is another machine's: it may be read for the restore, and locked.",
};

const noSuchThing: Refusal = { status: 404, detail: "There is no such repository or object." };

async function answerTo(
  deps: RepositoryDeps,
  caller: GatewayCaller,
  { repositoryId, target }: GatewayAddress,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const methods = methodsOf(target);
  if (!methods.includes(request.method))
    return await sendRefusal(reply, {
      status: 405,
      detail: `${request.method} has no meaning here.`,
      headers: { allow: methods.join(", ") },
    });
  if (target.of === "repository") {
    if (!createIsTrue(request.raw.url ?? ""))
      return await sendRefusal(reply, { status: 400, detail: "A repository is created with ?create=true." });
    if (!(await createRepository(deps, { caller, repositoryId }))) return await sendRefusal(reply, noSuchThing);
    return await reply.code(200).send();
  }
  if (!(await repositoryExists(deps, repositoryId))) return await sendRefusal(reply, noSuchThing);
  if (target.of === "list") return await listObjects(deps, { repositoryId, kind: target.kind }, request, reply);
  const { object } = target;
  switch (request.method) {
    case "HEAD":
      return await headObject(deps, { repositoryId, object }, reply);
    case "GET":
      return await getObject(deps, { repositoryId, object }, request, reply);
    case "POST":
      return await finish(reply, await uploadObject(deps, { caller, repositoryId, object, request }));
    default:
      return await finish(reply, await deleteObject(deps, { caller, repositoryId, object, token: tokenOf(request) }));
  }
}

function tokenOf({ headers }: FastifyRequest): string | undefined {
  const token = headers[grantHeader];
  return typeof token === "string" ? token : undefined;
}

async function finish(reply: FastifyReply, result: Refusal | "stored" | "deleted"): Promise<void> {
  if (typeof result === "string") await reply.code(200).send();
  else await sendRefusal(reply, result);
}

function createIsTrue(url: string): boolean {
  const query = url.slice(url.indexOf("?") + 1);
  return url.includes("?") && new URLSearchParams(query).get("create") === "true";
}

/** Failures of the storage get the protocol's own status; any other goes to the server's handler. */
async function answerError(
  { log }: Pick<Deps, "log">,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (request.raw.destroyed && !request.raw.complete) {
    log.info({ url: request.raw.url }, "a client broke an upload off: nothing was kept");
    await reply.code(400).send(); // Nobody is there to read it; it ends the request.
    return reply;
  }
  const refusal = refusalFor(error);
  if (refusal === undefined) throw error;
  if (refusal.status >= 500) log.error({ err: error, url: request.raw.url }, "the object storage failed");
  await sendRefusal(reply, refusal);
  return reply;
}
