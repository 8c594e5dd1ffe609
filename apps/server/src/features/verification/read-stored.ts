import { createHash } from "node:crypto";
import type { ObjectStorage } from "../../object-store/index.ts";
import type { ObjectName } from "../../object-store/object-name.ts";
import { isObjectStorageError } from "../../object-store/object-storage-error.ts";
import { errorText } from "../../server-error.ts";

/** What reading an object gave. */
export type Reading =
  | { readonly outcome: "read"; readonly sizeBytes: number; readonly sha256: string }
  | { readonly outcome: "gone" }
  | { readonly outcome: "failed"; readonly reason: string };

/**
 * Reads a stored object to its end and hashes it; `onRead` is waited for after each piece and sets the pace. Rejects only with what `onRead` rejects with.
 * 256 KiB at a time through Node's OpenSSL, whose speed is that of the processor: a piece keeps the process for a fraction of a millisecond.
 */
export async function readStored(
  objects: ObjectStorage,
  repositoryId: string,
  object: ObjectName,
  onRead: (bytes: number) => Promise<void>,
): Promise<Reading> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let stopped: { readonly error: unknown } | undefined;
  try {
    const { stream } = await objects.get(repositoryId, object);
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      await onRead(chunk.length).catch((error: unknown) => {
        stopped = { error };
        throw error;
      });
    }
  } catch (error) {
    if (stopped !== undefined) throw stopped.error;
    if (isObjectStorageError(error, "not-found")) return { outcome: "gone" };
    return { outcome: "failed", reason: errorText(error) };
  }
  return { outcome: "read", sizeBytes, sha256: hash.digest("hex") };
}
