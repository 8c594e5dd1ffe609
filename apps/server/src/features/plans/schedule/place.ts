import { hash } from "node:crypto";

/** A machine's place in every window, from 0 to less than 1: always the same for a seed, and those of many seeds are spread evenly. */
export function placeOf(seed: string): number {
  return hash("sha256", seed, "buffer").readUIntBE(0, 6) / 2 ** 48;
}
