import { plainBytesOf } from "../../blob/plain-bytes.ts";
import { openBlob } from "../../blob/seal-blob.ts";
import type { MasterKey } from "../../crypto/master-key.ts";
import type { Primitives } from "../../crypto/primitives.ts";
import { EngineError } from "../../errors/engine-error.ts";
import { shortId } from "../../format/ids.ts";
import { isOversizedBlob } from "../../repository/load-blob.ts";
import type { BlobOpener } from "../../target/restore-lane.ts";

/** The largest chunk that any program cuts; room for it is kept. */
const usualMaxBytes = 8 * 1024 * 1024;

/** Opens data blobs one after another in the same memory: fresh memory for each would cost more than to decrypt it. */
export function blobOpener(primitives: Primitives, key: MasterKey): BlobOpener {
  let room = new Uint8Array(0);
  return (sealed, uncompressedLength, id) => {
    const plainBytes = plainBytesOf({ length: sealed.length, uncompressedLength });
    // The length comes from an index, which may say anything.
    if (isOversizedBlob("data", plainBytes))
      throw new EngineError("corrupt-data", `Blob ${shortId(id)} is said to have ${plainBytes} bytes`);
    if (plainBytes > usualMaxBytes) return openBlob(primitives, key, { sealed, uncompressedLength }, id);
    if (plainBytes > room.length) room = new Uint8Array(Math.min(2 * plainBytes, usualMaxBytes));
    return openBlob(primitives, key, { sealed, uncompressedLength }, id, room);
  };
}
