import { EngineError } from "../errors/engine-error.ts";
import { rangeLength, tooShort } from "./byte-range.ts";
import type { ByteRange } from "./object-store.ts";

/** What a server says about a part that it sends, where it says it. */
export interface AnsweredPart {
  /** `Content-Range`, for example `bytes 0-9/100` (RFC 9110 section 14.4). */
  readonly contentRange: string | undefined;
  readonly contentLength: number | undefined;
}

/** Throws `corrupt-data` if the part is not the one asked for: servers cut a range at the object's end without a word. */
export function requireExactPart(
  { contentRange, contentLength }: AnsweredPart,
  range: ByteRange,
  objectLabel: string,
): void {
  const [, startText, totalText] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(contentRange ?? "") ?? [];
  const total = totalText === undefined || totalText === "*" ? undefined : Number(totalText);
  if (total !== undefined && total < range.end) throw tooShort(objectLabel, range, total);
  if (startText !== undefined && Number(startText) !== range.start) {
    throw new EngineError(
      "corrupt-data",
      `${objectLabel}: asked for bytes from ${range.start}, the server sent those from ${startText}`,
    );
  }
  if (contentLength !== undefined && contentLength < rangeLength(range)) throw tooShort(objectLabel, range);
}
