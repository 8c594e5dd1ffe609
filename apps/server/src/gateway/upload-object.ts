import type { FastifyRequest } from "fastify";
import { Readable } from "node:stream";
import { publish } from "../live-events/live-events.ts";
import { checkedBody, hashBody } from "../object-store/checked-body.ts";
import { type ObjectName, configName, labelOf } from "../object-store/object-name.ts";
import { isObjectStorageError } from "../object-store/object-storage-error.ts";
import type { ObjectFacts, UploadResult, UploadTerms } from "../object-store/object-storage.ts";
import { type GatewayCaller, describeCaller } from "./caller.ts";
import type { LedgerDeps } from "./deps.ts";
import { freeMemory } from "./free-memory.ts";
import { recordMet, recordUpload } from "./ledger.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { parseContentLength } from "./parse-request.ts";
import type { QuotaKeeper } from "./quota.ts";
import type { Refusal } from "./refusal.ts";
import { requireKnownStorage } from "./require-known-storage.ts";
import { uploadMaxBytes } from "./size-limits.ts";

export interface Upload {
  readonly caller: GatewayCaller;
  readonly repositoryId: string;
  readonly object: ObjectName;
  readonly request: FastifyRequest;
}

/**
 * Stores an object: durable, its hash compared with its name and its row in the ledger written before the answer, or nothing is kept. What
 * can be refused is refused before the body is read. An object that is there already is never written over; the same one sent again is
 * fine, because a client can't know whether an answer got lost.
 */
export async function uploadObject(
  deps: LedgerDeps & { readonly quota: QuotaKeeper },
  upload: Upload,
): Promise<Refusal | "stored"> {
  const { caller, repositoryId, object, request } = upload;
  const sizeBytes = parseContentLength(request.headers["content-length"]);
  if (sizeBytes === undefined || request.headers["transfer-encoding"] !== undefined)
    return { status: 411, detail: "An upload says its length in Content-Length." };
  const maxBytes = uploadMaxBytes[object.kind];
  if (sizeBytes > maxBytes)
    return {
      status: 413,
      detail: `An upload to ${object.kind} has at most ${maxBytes} bytes, and this has ${sizeBytes}.`,
    };

  // The stream is left alive when we stop reading early, or its connection would die before our answer is sent.
  const body: AsyncIterable<Uint8Array> = request.raw.iterator({ destroyOnReturn: false });
  const sha256 = object.kind === "config" ? undefined : object.name;
  const there = await statIfThere(deps, repositoryId, object);
  if (there !== undefined) {
    const received = { sizeBytes, sha256: await hashBody(object, body, { sizeBytes, sha256 }) };
    return await compare(deps, upload, there, received);
  }

  using space = await deps.quota.reserve(deps.database, repositoryId, object.kind, sizeBytes);
  if (space === undefined) {
    deps.log.warn({ repositoryId, sizeBytes, ...describeCaller(caller) }, "the quota refused an upload");
    return { status: 507, detail: "The repository's quota has no room for this object." };
  }
  const result =
    object.kind === "config"
      ? await putConfig(deps, upload, body, { sizeBytes })
      : await put(deps, upload, body, { sizeBytes, sha256, onWritten: freeMemory });
  if (result.outcome === "exists") {
    const winner = await deps.objects.stat(repositoryId, object);
    return await compare(deps, upload, winner, { sizeBytes, sha256: result.sha256 });
  }
  const byAgent = caller.kind === "agent" ? caller.agentId : null;
  await recordUpload(deps.database, { repositoryId, object, sizeBytes, sha256: result.sha256, byAgent });
  if (object.kind === "snapshots")
    await publish(deps.database, { type: "snapshot", id: object.name, agent_id: byAgent });
  return "stored";
}

async function put(
  deps: LedgerDeps,
  { repositoryId, object }: Upload,
  body: AsyncIterable<Uint8Array>,
  terms: UploadTerms,
): Promise<UploadResult> {
  try {
    return await deps.objects.put(repositoryId, object, body, terms);
  } catch (error) {
    // There is no place for it: a repository that was never created, or a storage that has lost it.
    if (isObjectStorageError(error, "not-found")) await requireKnownStorage(deps, repositoryId);
    throw error;
  }
}

/**
 * Two inits at once must not both believe that theirs is the repository, and not every bucket can tell them apart. The body is read first
 * (it is small, see `uploadMaxBytes`), so that nobody waits for a slow client.
 */
async function putConfig(
  deps: LedgerDeps,
  upload: Upload,
  body: AsyncIterable<Uint8Array>,
  terms: UploadTerms,
): Promise<UploadResult> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of checkedBody(upload.object, body, terms)) chunks.push(chunk);
  return await oneAtATime(deps.database, upload.repositoryId, async (transaction) => {
    const locked = { ...deps, database: transaction };
    await requireKnownStorage(locked, upload.repositoryId);
    return await put(locked, upload, Readable.from(chunks), terms);
  });
}

/** Decides about a body, already read, for an object that is there. */
async function compare(
  deps: LedgerDeps,
  { repositoryId, object, caller }: Upload,
  there: ObjectFacts,
  received: { readonly sizeBytes: number; readonly sha256: string },
): Promise<Refusal | "stored"> {
  const { kind, name } = object;
  const thereSha256 = kind === "config" ? await hashOfConfig(deps, repositoryId, there) : name;
  if (thereSha256 !== received.sha256 || there.sizeBytes !== received.sizeBytes) {
    const sizes = { thereBytes: there.sizeBytes, receivedBytes: received.sizeBytes };
    const about = { repositoryId, object: labelOf(object), ...sizes, ...describeCaller(caller) };
    deps.log.warn(about, "refused to replace an object");
    return { status: 403, detail: `There is another ${labelOf(object)} already, and objects are never replaced.` };
  }
  await recordMet(deps, repositoryId, kind, [{ name, ...there }]);
  return "stored";
}

async function hashOfConfig(
  { objects }: LedgerDeps,
  repositoryId: string,
  { sizeBytes }: ObjectFacts,
): Promise<string> {
  const { stream } = await objects.get(repositoryId, configName);
  return await hashBody(configName, stream, { sizeBytes });
}

async function statIfThere(
  { objects }: LedgerDeps,
  repositoryId: string,
  object: ObjectName,
): Promise<ObjectFacts | undefined> {
  try {
    return await objects.stat(repositoryId, object);
  } catch (error) {
    if (isObjectStorageError(error, "not-found")) return undefined;
    throw error;
  }
}
