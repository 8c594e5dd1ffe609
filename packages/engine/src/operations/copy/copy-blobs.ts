import { resealBlobInto, type Resealing, resealRoomBytes } from "../../blob/reseal-blob.ts";
import { type EngineError, isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { mapConcurrent } from "../../flow/map-concurrent.ts";
import type { BlobHandle, BlobLocation, BlobType } from "../../format/blob.ts";
import { sealBlobInto } from "../../blob/seal-blob.ts";
import { sealOverheadBytes } from "../../crypto/seal.ts";
import type { BlobWriter } from "../../repository/blob-writer.ts";
import { loadBlob } from "../../repository/load-blob.ts";
import { type BlobRun, joinNeighbours, type ReadBlob, readRun } from "../../repository/read-run.ts";
import type { Repository } from "../../repository/repository.ts";

/** Of at most 32 MiB each: enough to hide a network's delay, and little beside the packs that wait for their upload. */
const readsAtOnce = 4;
/** For the largest chunk. Larger blobs, which are trees of huge folders, get memory of their own. */
const plainRoomBytes = 8 * 1024 * 1024;

export interface BlobCopying extends Abortable {
  readonly source: Repository;
  readonly destination: Repository;
  readonly writer: BlobWriter;
  /** Called for each blob with what it took in the source's pack and what it takes in the destination's. */
  readonly onCopied: (readBytes: number, storedBytes: number) => void;
}

/** A blob that can't be copied, and why. */
export interface LostBlob {
  readonly blob: BlobHandle;
  readonly error: EngineError;
}

/**
 * Stores blobs of the source in the destination, verified and sealed anew. Gives the first that no copy of can be read, and stops there; undefined if
 * there is none.
 */
export async function copyBlobs(
  packs: Iterable<BlobLocation[]>,
  { source, destination, writer, signal, onCopied }: BlobCopying,
): Promise<LostBlob | undefined> {
  const { primitives } = destination.compute;
  const keys = { primitives, from: source.masterKey, to: destination.masterKey };
  const plainRoom = new Uint8Array(plainRoomBytes);
  const read = async (run: BlobRun) => await readRun(source, run, { signal });

  for await (const blobs of mapConcurrent(runsOf(packs), readsAtOnce, read))
    for (const { location, sealed } of blobs) {
      try {
        onCopied(location.length, (await carry(location, sealed)) ?? (await rescue(location)));
      } catch (error) {
        if (isEngineError(error, "corrupt-data", "not-found")) return { blob: location, error };
        throw error;
      }
    }
  return undefined;

  /** Undefined if it is damaged, or was not read. */
  async function carry(location: BlobLocation, sealed: ReadBlob["sealed"]): Promise<number | undefined> {
    if (!sealed) return undefined;
    const blob = { sealed, uncompressedLength: location.uncompressedLength };
    const room = location.uncompressedLength > plainRoomBytes ? new Uint8Array(location.uncompressedLength) : plainRoom;
    const resealing: Resealing = { ...keys, compression: levelFor(location.type) };
    try {
      return await writer.saveBy(location, resealRoomBytes(blob), (out) =>
        resealBlobInto(resealing, blob, location.id, { out, plainRoom: room }),
      );
    } catch (error) {
      if (isEngineError(error, "corrupt-data")) return undefined;
      throw error;
    }
  }

  /** Once more by itself, and then from where else it is. */
  async function rescue(location: BlobLocation): Promise<number> {
    const plain = await loadBlob(source, location, { signal });
    const compression = writer.compressionOf(location.type);
    return await writer.saveBy(location, plain.length + sealOverheadBytes, (out) =>
      sealBlobInto(primitives, destination.masterKey, plain, compression, out),
    );
  }

  function levelFor(type: BlobType): Resealing["compression"] {
    const compression = writer.compressionOf(type);
    return compression === "auto" ? "as-is" : compression;
  }
}

function* runsOf(packs: Iterable<BlobLocation[]>): Generator<BlobRun, void, undefined> {
  for (const blobs of packs) if (blobs[0]) yield* joinNeighbours(blobs[0].pack, blobs);
}
