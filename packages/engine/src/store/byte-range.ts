import { EngineError } from "../errors/engine-error.ts";
import { invariant } from "../errors/invariant.ts";
import type { ByteRange } from "./object-store.ts";

/** The length of `range` in bytes, checked: ranges come from indexes that were parsed, so a bad one is our bug. */
export function rangeLength(range: ByteRange): number {
  const { start, end } = range;
  invariant(
    Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end,
    `a byte range runs forwards: ${start} to ${end}`,
  );
  return end - start;
}

/** A copy of the part of a whole object that `range` names; all of it without a range. Throws `corrupt-data` if the object ends before. */
export function cutRange(bytes: Uint8Array, range: ByteRange | undefined, objectLabel: string): Uint8Array {
  if (range === undefined) return bytes.slice();
  rangeLength(range);
  if (range.end > bytes.length) throw tooShort(objectLabel, range, bytes.length);
  return bytes.slice(range.start, range.end);
}

/** The error for an object that ends before the range that was asked for; `sizeBytes` is its size, where known. */
export function tooShort(objectLabel: string, { start, end }: ByteRange, sizeBytes?: number): EngineError {
  const size = sizeBytes === undefined ? "" : `: it has ${sizeBytes} bytes`;
  return new EngineError("corrupt-data", `${objectLabel} is too short for bytes ${start} to ${end}${size}`);
}
