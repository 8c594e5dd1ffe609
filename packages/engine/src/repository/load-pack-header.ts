import { EngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import type { PackedBlob } from "../format/blob.ts";
import type { ObjectId } from "../format/ids.ts";
import { objectName } from "../format/object-name.ts";
import { minPackSizeBytes } from "../format/pack-header.ts";
import { packEndBytes, packHeaderStart, readPackHeader } from "../pack/read-pack.ts";
import type { Repository } from "./repository.ts";

/** What a pack says itself about the blobs in it, read from its end in one request, or two if it has many. Rejects with `corrupt-data`. */
export async function loadPackHeader(
  { store, compute, masterKey, config }: Repository,
  pack: ObjectId,
  packSizeBytes: number,
  options: Abortable = {},
): Promise<PackedBlob[]> {
  const name = objectName("data", pack);
  if (packSizeBytes < minPackSizeBytes)
    throw new EngineError("corrupt-data", `${name} has ${packSizeBytes} bytes, fewer than any pack`);
  const endFrom = async (start: number) => await store.get(name, { ...options, range: { start, end: packSizeBytes } });
  const guessedStart = Math.max(0, packSizeBytes - packEndBytes);
  const end = await endFrom(guessedStart);
  const start = packHeaderStart(end, packSizeBytes);
  const whole = start >= guessedStart ? end : await endFrom(start);
  return readPackHeader(compute.primitives, masterKey, whole, packSizeBytes, config.version);
}
