import { plainBytesOf } from "../blob/plain-bytes.ts";
import { openBlob } from "../blob/seal-blob.ts";
import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import type { BlobHandle, BlobLocation, BlobType } from "../format/blob.ts";
import { shortId } from "../format/ids.ts";
import { objectName } from "../format/object-name.ts";
import type { Repository } from "./repository.ts";

/**
 * One blob's plaintext, checked against its id. If a copy is damaged or gone the other copies are tried; rejects with `corrupt-data` that
 * names the object and offset of the last one, or with `not-found` if no index names the blob.
 */
export async function loadBlob(
  repository: Repository,
  handle: BlobHandle,
  options: Abortable = {},
): Promise<Uint8Array> {
  let failure: EngineError | undefined;
  for (const location of repository.index.find(handle)) {
    try {
      return await loadCopy(repository, location, options);
    } catch (error) {
      if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
      failure = error;
    }
  }
  throw (
    failure ??
    new EngineError("not-found", `The ${handle.type} blob ${shortId(handle.id)} is in no index of the repository`)
  );
}

/**
 * The largest blobs that are read, in bytes before and after sealing: an index may claim 4 GiB of either, which must not fill our memory.
 * Chunks end at 8 MiB in every program known, and packs at 128 MiB. A folder is one tree: this one has some two million entries, and a
 * JavaScript engine holds no longer string.
 */
const blobMaxBytes: Readonly<Record<BlobType, number>> = { data: 128 * 1024 * 1024, tree: 512 * 1024 * 1024 };

/** Whether a blob is larger than any that is read. */
export function isOversized(location: BlobLocation): boolean {
  return isOversizedBlob(location.type, Math.max(location.length, plainBytesOf(location)));
}

/** The same for a number of bytes, sealed or not. */
export function isOversizedBlob(type: BlobType, bytes: number): boolean {
  return bytes > blobMaxBytes[type];
}

/** One copy of a blob, read by itself. */
export async function loadCopy(
  repository: Repository,
  location: BlobLocation,
  options: Abortable = {},
): Promise<Uint8Array> {
  refuseOversized(location);
  const range = { start: location.offset, end: location.offset + location.length };
  const read = async () => await repository.store.get(objectName("data", location.pack), { ...options, range });
  try {
    return await openLocated(repository, location, await read());
  } catch (error) {
    if (!isEngineError(error, "corrupt-data")) throw error;
    // Once more: it may have been damaged on the way, not in the store.
    return await openLocated(repository, location, await read());
  }
}

/** Opens the sealed bytes of a blob; a failure names the pack and the offset. */
export async function openLocated(
  repository: Repository,
  location: BlobLocation,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  const { uncompressedLength, id, pack, offset, length, type } = location;
  refuseOversized(location);
  try {
    const { compute, masterKey } = repository;
    return openBlob(compute.primitives, masterKey, { sealed, uncompressedLength }, id);
  } catch (error) {
    if (!isEngineError(error, "corrupt-data")) throw error;
    const place = `data/${pack}, bytes ${offset} to ${offset + length}`;
    throw new EngineError("corrupt-data", `The ${type} blob ${shortId(id)} is damaged (${place}): ${error.message}`, {
      cause: error,
      hint: "Run `check --read-data` to find everything that is damaged; what is not named there can still be restored.",
    });
  }
}

function refuseOversized(location: BlobLocation): void {
  if (!isOversized(location)) return;
  const { id, type, pack, offset, length } = location;
  const place = `data/${pack}, bytes ${offset} to ${offset + length}`;
  throw new EngineError(
    "corrupt-data",
    `The ${type} blob ${shortId(id)} (${place}) is said to have ${plainBytesOf(location)} bytes: no backup program writes such a blob`,
  );
}
