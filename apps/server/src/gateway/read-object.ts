import type { FastifyReply, FastifyRequest } from "fastify";
import { type ObjectName, configName } from "../object-store/object-name.ts";
import { isObjectStorageError } from "../object-store/object-storage-error.ts";
import type { LedgerDeps } from "./deps.ts";
import { recordMet } from "./ledger.ts";
import { parseRange } from "./parse-range.ts";
import { badRange, sendRefusal } from "./refusal.ts";
import { requireKnownStorage } from "./require-known-storage.ts";

interface Reading {
  readonly repositoryId: string;
  readonly object: ObjectName;
}

/** Objects are sealed, so they can't be compressed, and what lies between must not try: a changed length is a broken object. */
const objectHeaders = {
  "content-type": "application/octet-stream",
  "accept-ranges": "bytes",
  "cache-control": "no-store, no-transform",
};

/** HEAD: is it there, and how long is it? */
export async function headObject(
  deps: LedgerDeps,
  { repositoryId, object }: Reading,
  reply: FastifyReply,
): Promise<void> {
  const facts = await orLost(deps, repositoryId, object, () => deps.objects.stat(repositoryId, object));
  await recordMet(deps, repositoryId, object.kind, [{ name: object.name, ...facts }]);
  await reply.code(200).headers(objectHeaders).header("content-length", facts.sizeBytes).send();
}

/** GET: the whole object, or a range of it (206) with its exact length: restic takes any other length for a wrong range. */
export async function getObject(
  deps: LedgerDeps,
  { repositoryId, object }: Reading,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const asked = parseRange(request.headers.range);
  if (asked === "invalid") {
    const { sizeBytes } = await orLost(deps, repositoryId, object, () => deps.objects.stat(repositoryId, object));
    return await sendRefusal(reply, badRange(sizeBytes));
  }
  const opened = await orLost(deps, repositoryId, object, () => deps.objects.get(repositoryId, object, asked));
  const { sizeBytes, storedAt, range, stream } = opened;
  await recordMet(deps, repositoryId, object.kind, [{ name: object.name, sizeBytes, storedAt }]);
  reply.headers(objectHeaders).header("content-length", range.end - range.start);
  // An empty object has no range to say.
  if (asked === undefined || sizeBytes === 0) reply.code(200);
  else reply.code(206).header("content-range", `bytes ${range.start}-${range.end - 1}/${sizeBytes}`);
  await reply.send(stream);
}

/** "No config" tells a client that it may make a repository here, so it must be true. */
async function orLost<T>(
  deps: LedgerDeps,
  repositoryId: string,
  object: ObjectName,
  find: () => Promise<T>,
): Promise<T> {
  try {
    return await find();
  } catch (error) {
    if (object.name === configName.name && isObjectStorageError(error, "not-found"))
      await requireKnownStorage(deps, repositoryId);
    throw error;
  }
}
