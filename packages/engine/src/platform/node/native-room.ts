import { invariant } from "../../errors/invariant.ts";

/** Exactly `lengthBytes` to write to: the beginning of `room`, which must have them, or new memory. */
export function roomFor(lengthBytes: number, room: Uint8Array | undefined): Uint8Array {
  if (room === undefined) return new Uint8Array(lengthBytes);
  invariant(room.length >= lengthBytes, "the result fits the room that was given for it");
  return room.length === lengthBytes ? room : room.subarray(0, lengthBytes);
}
