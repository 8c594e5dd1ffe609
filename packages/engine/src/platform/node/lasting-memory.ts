import koffi from "koffi";
import { invariant } from "../../errors/invariant.ts";

/** Memory that system calls are told of by its address. */
export interface LastingMemory {
  /** Zeros at first. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly address: number;
}

/**
 * V8 does not see that an address is in use, and frees even a constant of a module that no function mentions: system calls then read what came to
 * lie there. So all such memory is held here, for good.
 */
const held: Uint8Array[] = [];

/** Memory that stays where it is for as long as the thread runs. */
export function lastingMemory(lengthBytes: number): LastingMemory {
  // Small arrays that are made without a buffer lie among V8's objects, which it moves.
  const bytes = new Uint8Array(new ArrayBuffer(lengthBytes));
  held.push(bytes);
  return { bytes, address: addressOf(bytes) };
}

/** Where an array's bytes lie for as long as somebody holds it. It must have been made with a buffer, or have more than 64 bytes. */
export function addressOf(bytes: Uint8Array): number {
  const address = Number(koffi.address(bytes));
  invariant(Number.isSafeInteger(address), "addresses have fewer than 53 bits");
  return address;
}
