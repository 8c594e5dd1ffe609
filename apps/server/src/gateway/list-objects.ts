import type { FastifyReply, FastifyRequest } from "fastify";
import { Readable } from "node:stream";
import type { HashedKind } from "../object-store/object-name.ts";
import { ObjectStorageError, isObjectStorageError } from "../object-store/object-storage-error.ts";
import type { ListedObject } from "../object-store/object-storage.ts";
import type { LedgerDeps } from "./deps.ts";
import { knowsObjects, recordMet } from "./ledger.ts";
import { listTypeFor } from "./parse-request.ts";
import { requireKnownStorage } from "./require-known-storage.ts";

interface Listing {
  readonly repositoryId: string;
  readonly kind: HashedKind;
}

type Batches = AsyncIterator<readonly ListedObject[]>;

/**
 * Answers with all objects of one kind, in version 1 (names) or 2 (names and sizes) of the protocol.
 *
 * The list comes from the storage, not from the ledger: a prune deletes what the lists don't need, and a ledger restored from an older
 * backup would hide new snapshots from it. The two mistakes that are left are caught: a list that breaks off ends the connection before
 * its closing bracket, and an empty one is believed only if the storage is the one that we know.
 */
export async function listObjects(
  deps: LedgerDeps,
  { repositoryId, kind }: Listing,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const batches = deps.objects.list(repositoryId, kind)[Symbol.asyncIterator]();
  const first = await firstObjects(deps, { repositoryId, kind }, batches);
  const type = listTypeFor(request.headers.accept);
  const entry = type.endsWith("v2")
    ? ({ name, sizeBytes }: ListedObject) => `{"name":"${name}","size":${sizeBytes}}`
    : ({ name }: ListedObject) => `"${name}"`;
  const text = listText(deps, { repositoryId, kind }, first, batches, entry);
  // The exact type: restic compares the whole header, so no character set may be added.
  await reply.code(200).header("content-type", type).header("cache-control", "no-store").send(Readable.from(text));
}

/** The first batch that has any objects. Everything that can be wrong with an empty list is wrong here, before the answer begins. */
async function firstObjects(deps: LedgerDeps, listing: Listing, batches: Batches): Promise<readonly ListedObject[]> {
  try {
    for (let next = await batches.next(); next.done !== true; next = await batches.next())
      if (next.value.length > 0) return next.value;
  } catch (error) {
    if (!isObjectStorageError(error, "not-found")) throw error;
    // The folder of this kind is missing. That is how a copied repository looks that has none of them, and how a broken one looks.
    if ((await requireKnownStorage(deps, listing.repositoryId)) === "new") throw error;
    if (await knowsObjects(deps.database, listing.repositoryId, listing.kind))
      throw new ObjectStorageError("unavailable", `The storage has lost ${listing.kind}/ of ${listing.repositoryId}`);
    return [];
  }
  await requireKnownStorage(deps, listing.repositoryId);
  return [];
}

async function* listText(
  deps: LedgerDeps,
  { repositoryId, kind }: Listing,
  first: readonly ListedObject[],
  batches: Batches,
  entry: (object: ListedObject) => string,
): AsyncGenerator<string> {
  let separator = "[";
  try {
    for (let batch = first; ;) {
      if (batch.length > 0) {
        await recordMet(deps, repositoryId, kind, batch);
        yield separator + batch.map(entry).join(",");
        separator = ",";
      }
      const next = await batches.next();
      if (next.done === true) break;
      batch = next.value;
    }
  } catch (error) {
    deps.log.error({ err: error, repositoryId, kind }, "a list broke off");
    throw error;
  }
  yield separator === "[" ? "[]" : "]";
}
