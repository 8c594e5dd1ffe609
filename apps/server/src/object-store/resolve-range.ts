import { ObjectStorageError } from "./object-storage-error.ts";
import type { ByteRange, RangeRequest } from "./object-storage.ts";

/**
 * What a range asks of an object of this size (RFC 9110, section 14.1.2): an end beyond the object's is cut, a start beyond it is
 * `bad-range`. An empty object has no range to ask for, so the request is answered whole.
 */
export function resolveRange(request: RangeRequest | undefined, sizeBytes: number): ByteRange {
  if (request === undefined || sizeBytes === 0) return { start: 0, end: sizeBytes };
  const range =
    "lastBytes" in request
      ? { start: Math.max(0, sizeBytes - request.lastBytes), end: sizeBytes }
      : { start: request.start, end: Math.min(request.end ?? sizeBytes, sizeBytes) };
  if (range.start >= range.end)
    throw new ObjectStorageError("bad-range", `The object has ${sizeBytes} bytes`, { objectSizeBytes: sizeBytes });
  return range;
}
