import { EngineError } from "../errors/engine-error.ts";
import { concatBytes } from "../format/concat-bytes.ts";

/**
 * The largest object that is read whole. Packs end near 16 MiB (restic allows 128 MiB), but one tree of millions of entries, or an index
 * that an old restic wrote, can be hundreds. A hostile store must not fill our memory.
 */
export const objectMaxBytes = 1024 * 1024 * 1024;

/** What the body of an answer must be. */
export interface BodyLimits {
  /** Named in errors. */
  readonly objectLabel: string;
  /** Exactly so many bytes, if known beforehand. */
  readonly expectedBytes?: number | undefined;
  /** No more than so many where the exact number is not known; `objectMaxBytes` unless told. */
  readonly maxBytes?: number | undefined;
  /** Called whenever bytes came. */
  readonly onProgress?: (() => void) | undefined;
}

/**
 * Joins the parts of a body into one buffer of its own. Rejects with `store-unavailable` if it ends before `expectedBytes` (the connection
 * was cut: trying again may help), with `corrupt-data` if it is longer than that or than any object may be.
 */
export async function collectBytes(
  parts: AsyncIterable<Uint8Array>,
  { objectLabel, expectedBytes, maxBytes = objectMaxBytes, onProgress }: BodyLimits,
): Promise<Uint8Array> {
  if (expectedBytes !== undefined && expectedBytes > maxBytes) throw tooLarge(objectLabel, expectedBytes, maxBytes);
  const collected = expectedBytes === undefined ? growingBytes() : fixedBytes(expectedBytes);
  let totalBytes = 0;
  for await (const part of parts) {
    onProgress?.();
    totalBytes += part.length;
    if (totalBytes > maxBytes) throw tooLarge(objectLabel, totalBytes, maxBytes);
    if (expectedBytes !== undefined && totalBytes > expectedBytes) {
      throw new EngineError(
        "corrupt-data",
        `${objectLabel}: the store sent more than the ${expectedBytes} bytes expected`,
      );
    }
    collected.add(part);
  }
  if (expectedBytes !== undefined && totalBytes < expectedBytes) {
    throw new EngineError(
      "store-unavailable",
      `${objectLabel}: the store sent ${totalBytes} of ${expectedBytes} bytes and stopped`,
    );
  }
  return collected.joined();
}

interface Collected {
  add(part: Uint8Array): void;
  joined(): Uint8Array;
}

/** Copied as they come: parts kept until the end would take the same memory again. Untouched memory takes none, whatever was announced. */
function fixedBytes(totalBytes: number): Collected {
  const bytes = new Uint8Array(totalBytes);
  let offset = 0;
  return {
    add(part) {
      bytes.set(part, offset);
      offset += part.length;
    },
    joined: () => bytes,
  };
}

function growingBytes(): Collected {
  const parts: Uint8Array[] = [];
  return {
    add: (part) => void parts.push(part),
    joined: () => concatBytes(parts),
  };
}

function tooLarge(objectLabel: string, sizeBytes: number, maxBytes: number): EngineError {
  return new EngineError("corrupt-data", `${objectLabel}: ${sizeBytes} bytes are more than the ${maxBytes} allowed`);
}
