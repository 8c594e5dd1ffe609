import type { Abortable } from "../flow/abortable.ts";

/**
 * Decides when bytes may move: resolves with how many of `wantedBytes` may, at least one, at the moment when they may. Whoever moves bytes
 * asks again for the rest. Rejects with the signal's reason when aborted.
 */
export type Pace = (wantedBytes: number, options?: Abortable) => Promise<number>;

/** A call that moves bytes of an object. */
export interface Paced extends Abortable {
  /** Asked before bytes are sent, or after they came and before more are taken. Without it they move as fast as they can. */
  readonly pace?: Pace | undefined;
}

/** Resolves when all of `bytes` may have moved: for those that can only be sent, or have come, in one go. */
export async function passAll(bytes: number, { pace, signal }: Paced): Promise<void> {
  if (pace === undefined) return;
  for (let left = bytes; left > 0;) left -= await pace(left, { signal });
}

/** The parts of a body as they come, held up so that the sender sends no faster than the pace. */
export async function* pacedParts<Part extends Uint8Array>(
  parts: AsyncIterable<Part>,
  paced: Paced,
): AsyncGenerator<Part> {
  for await (const part of parts) {
    await passAll(part.length, paced);
    yield part;
  }
}

/** `bytes` in pieces of at most `pieceMaxBytes`, each when it may go. They are views, not copies. */
export async function* pacedPieces(
  bytes: Uint8Array,
  pieceMaxBytes: number,
  { pace, signal }: Paced,
): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length;) {
    const wanted = Math.min(pieceMaxBytes, bytes.length - offset);
    const allowed = pace === undefined ? wanted : await pace(wanted, { signal });
    yield bytes.subarray(offset, offset + allowed);
    offset += allowed;
  }
}
