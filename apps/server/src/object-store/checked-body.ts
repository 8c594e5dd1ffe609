import { createHash } from "node:crypto";
import { ObjectStorageError } from "./object-storage-error.ts";
import { type ObjectName, labelOf } from "./object-name.ts";
import type { UploadTerms } from "./object-storage.ts";

/** A body on its way into a storage, checked as it passes. */
export interface CheckedBody extends AsyncIterable<Uint8Array> {
  /** The SHA-256 in hex; there once the body has ended. */
  readonly sha256: string | undefined;
}

/**
 * Passes `body` on and checks its length and hash on the way. The last chunk is held back until both are known to be right, so that a
 * storage that got everything got the right bytes, and one that is fed a wrong body never gets its end.
 */
export function checkedBody(object: ObjectName, body: AsyncIterable<Uint8Array>, terms: UploadTerms): CheckedBody {
  let sha256: string | undefined;
  return {
    get sha256() {
      return sha256;
    },
    async *[Symbol.asyncIterator]() {
      const hash = createHash("sha256");
      let receivedBytes = 0;
      let heldBack: Uint8Array | undefined;
      for await (const chunk of body) {
        receivedBytes += chunk.length;
        if (receivedBytes > terms.sizeBytes) throw wrongLength(object, terms.sizeBytes, `at least ${receivedBytes}`);
        hash.update(chunk);
        if (heldBack !== undefined) yield heldBack;
        heldBack = chunk;
      }
      if (receivedBytes !== terms.sizeBytes) throw wrongLength(object, terms.sizeBytes, String(receivedBytes));
      sha256 = hash.digest("hex");
      if (terms.sha256 !== undefined && sha256 !== terms.sha256)
        throw new ObjectStorageError("wrong-hash", `The body sent for ${labelOf(object)} has the SHA-256 ${sha256}`);
      if (heldBack !== undefined) yield heldBack;
    },
  };
}

/** Reads a body that nobody keeps, to know its hash. Rejects as `checkedBody` does. */
export async function hashBody(
  object: ObjectName,
  body: AsyncIterable<Uint8Array>,
  terms: UploadTerms,
): Promise<string> {
  const checked = checkedBody(object, body, terms);
  for await (const _chunk of checked);
  return hashOf(checked);
}

/** The hash of a body that was read to its end. */
export function hashOf(body: CheckedBody): string {
  if (body.sha256 === undefined) throw new TypeError("A body's hash is known only at its end");
  return body.sha256;
}

function wrongLength(object: ObjectName, announcedBytes: number, received: string): ObjectStorageError {
  return new ObjectStorageError(
    "wrong-length",
    `The body sent for ${labelOf(object)} should have ${announcedBytes} bytes and had ${received}`,
  );
}
