import { EngineError } from "../errors/engine-error.ts";
import type { Primitives, ScryptCost } from "./primitives.ts";

/**
 * The most memory that a key file may ask for. restic writes at most 64 MiB and rustic 128 MiB; more could only come from somebody
 * who wants to stop us.
 */
const maxScryptMemoryBytes = 512 * 1024 * 1024;

/**
 * The most work, as N · r · p. restic's calibration draws p so that all takes half a second at N · r = 2^18; this bound is reached by a machine
 * that fills 32 MiB in 4 ms, and costs an ordinary one about ten seconds.
 */
const maxScryptWork = 2 ** 25;

/** RFC 7914, section 6: r · p stays below 2^30. */
const maxBlocksTimesLanes = 2 ** 30;

/**
 * Throws `corrupt-data` unless `cost` is one that scrypt defines and that a well-meaning program could have written. Key files come
 * from the store, unauthenticated until scrypt has run, so this goes before anything is allocated.
 */
export function checkScryptCost({ N, r, p }: ScryptCost): void {
  const isDefined =
    [N, r, p].every((value) => Number.isSafeInteger(value) && value >= 1) &&
    N > 1 &&
    isPowerOfTwo(N) &&
    r * p < maxBlocksTimesLanes;
  if (!isDefined)
    throw new EngineError("corrupt-data", `Not a scrypt cost: N=${N}, r=${r}, p=${p}`, {
      hint: "N must be a power of two above 1, and r and p at least 1.",
    });
  if (memoryBytes(N, r) > maxScryptMemoryBytes || N * r * p > maxScryptWork)
    throw new EngineError("corrupt-data", `A key file asks for an absurd scrypt cost: N=${N}, r=${r}, p=${p}`, {
      hint: "No backup program writes such a key. The repository may have been tampered with.",
    });
}

const calibrationTimeMs = 500;
const calibrationMemoryBytes = 60 * 1024 * 1024;
const calibrationR = 8;
/** The lowest N that a slow or busy machine is calibrated to: the one for interactive logins in scrypt's paper. */
const minCalibratedN = 16_384;

/**
 * The cost for a new key file, by restic's rule: r = 8, the largest N below 60 MiB that one run takes at most half a second for,
 * and p such that all runs together take about half a second here. `nowMs` is a monotonic clock in milliseconds.
 */
export async function calibrateScrypt(primitives: Primitives, nowMs: () => number): Promise<ScryptCost> {
  const r = calibrationR;
  let N = minCalibratedN;
  while (memoryBytes(2 * N, r) < calibrationMemoryBytes) N *= 2;
  for (;;) {
    const startMs = nowMs();
    await primitives.scrypt(new Uint8Array(8), new Uint8Array(8), { N, r, p: 1 }, 64);
    const runMs = nowMs() - startMs;
    if (runMs > calibrationTimeMs && N > minCalibratedN) {
      N /= 2;
      continue;
    }
    // A clock too coarse to see the run (browsers) must not give an endless p.
    const p = Math.floor(calibrationTimeMs / Math.max(runMs, 1));
    return { N, r, p: Math.min(Math.max(p, 1), maxScryptWork / (N * r)) };
  }
}

function memoryBytes(N: number, r: number): number {
  return 128 * N * r;
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value));
}
