/** A chunk of a file, sealed, fits; only trees of huge directories are longer. */
const maxKeptBytes = 8 * 1024 * 1024 + 1024;
const minKeptBytes = 64 * 1024;

let kept = new Uint8Array(0);

/**
 * Memory for what is needed only until the next step: the same bytes of this thread again and again, valid until the next call. Blobs are many, and memory
 * taken anew for each costs more than copying. More than `maxKeptBytes` is taken anew, so that one huge tree does not hold its memory for ever.
 */
export function scratch(lengthBytes: number): Uint8Array {
  if (lengthBytes > maxKeptBytes) return new Uint8Array(lengthBytes);
  if (kept.length < lengthBytes)
    kept = new Uint8Array(Math.min(maxKeptBytes, Math.max(minKeptBytes, 2 ** Math.ceil(Math.log2(lengthBytes)))));
  return kept.subarray(0, lengthBytes);
}
