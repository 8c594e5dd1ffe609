import { wasmSha256Many } from "../../compute/wasm/sha256-many.ts";
import type { Primitives } from "../../crypto/primitives.ts";

/** A way to hash several messages at once. */
export interface Sha256Lanes {
  /** How many at once. */
  readonly width: number;
  readonly hash: Primitives["sha256Many"];
}

/** The candidate in WebAssembly, where it runs. */
export function wasmSha256Lanes(): Sha256Lanes[] {
  const hash = wasmSha256Many();
  return hash === undefined ? [] : [{ width: 4, hash }];
}

/**
 * SHA-256 of many messages, in the way that a calibration finds the fastest at the first call that is worth it, in less than 10 ms: `one`
 * after another, or several at once by one of the candidates, which come narrow ones first and are not made before. All give the same digests.
 * `nowMs` is a clock with fractions of milliseconds.
 */
export function fastestSha256Many(
  one: Primitives["sha256"],
  candidates: () => readonly Sha256Lanes[],
  nowMs: () => number,
): Primitives["sha256Many"] {
  let seenBytes = 0;
  let choices: Choices | undefined;
  return (messages) => {
    const totalBytes = messages.reduce((sum, message) => sum + message.length, 0);
    seenBytes += totalBytes;
    if (messages.length < 2 || seenBytes < minCalibratedBytes) return messages.map(one);
    choices ??= calibrate(one, candidates(), nowMs);
    const choice = totalBytes / messages.length < shortMeansBytes ? choices.short : choices.long;
    return choice === undefined ? messages.map(one) : hashMixed(one, choice, messages);
  };
}

/** A program that hashes less than this in all is done in the time that calibrating takes. */
const minCalibratedBytes = 1024 * 1024;
const shortMessages = { count: 16, sizeBytes: 2 * 1024, rounds: 6 };
const longMessages = { count: 8, sizeBytes: 16 * 1024, rounds: 3 };
/** Between the two, near the short one: from here on what a call costs no longer shows. */
const shortMeansBytes = 4 * 1024;
/** Less is noise, or lost again when lengths differ. */
const minGain = 1.2;
/** A wider candidate needs more messages at a time, so it must be worth it. */
const minGainOfWidth = 1.1;

interface Choices {
  readonly short: Choice | undefined;
  readonly long: Choice | undefined;
}

interface Choice {
  readonly lanes: Sha256Lanes;
  /** How many times as fast as one after another, with all lanes at work. */
  readonly gain: number;
}

function calibrate(one: Primitives["sha256"], candidates: readonly Sha256Lanes[], nowMs: () => number): Choices {
  return {
    short: fastest(one, candidates, nowMs, shortMessages),
    long: fastest(one, candidates, nowMs, longMessages),
  };
}

function fastest(
  one: Primitives["sha256"],
  candidates: readonly Sha256Lanes[],
  nowMs: () => number,
  { count, sizeBytes, rounds }: typeof shortMessages,
): Choice | undefined {
  const messages = Array.from({ length: count }, (_, i) => new Uint8Array(sizeBytes).fill(i));
  function bestMs(hash: Primitives["sha256Many"]): number {
    let best = Infinity;
    for (let round = 0; round < rounds; round++) {
      const startMs = nowMs();
      hash(messages);
      best = Math.min(best, nowMs() - startMs);
    }
    return best;
  }
  const oneMs = bestMs((all) => all.map(one));
  let best: Choice | undefined;
  for (const lanes of candidates) {
    const gain = oneMs / bestMs(lanes.hash);
    if (gain >= (best === undefined ? minGain : best.gain * minGainOfWidth)) best = { lanes, gain };
  }
  return best;
}

/**
 * Hashes most messages in lanes, and the longest one after another if they would keep a lane at work long after the others. Longest
 * first, so that lanes end at about the same time. A lane's byte costs `width / gain` times a byte on its own.
 */
function hashMixed(one: Primitives["sha256"], { lanes, gain }: Choice, messages: readonly Uint8Array[]): Uint8Array[] {
  const order = messages.map((_, i) => i).sort((a, b) => lengthAt(b) - lengthAt(a));
  const sorted = order.map((index) => messages[index] ?? new Uint8Array(0));
  const lanesFrom = firstInLanes(
    sorted.map(({ length }) => length),
    lanes.width,
    gain,
  );
  if (lanesFrom === messages.length) return messages.map(one);
  const digests = Array.from(messages);
  const hashed = [...sorted.slice(0, lanesFrom).map(one), ...lanes.hash(sorted.slice(lanesFrom))];
  hashed.forEach((digest, i) => (digests[order[i] ?? 0] = digest));
  return digests;

  function lengthAt(index: number): number {
    return messages[index]?.length ?? 0;
  }
}

/** How many of the longest messages are better hashed one after another. `lengths` are sorted, longest first. */
function firstInLanes(lengths: readonly number[], width: number, gain: number): number {
  let alone = 0;
  let rest = lengths.reduce((sum, length) => sum + length, 0);
  let cheapest = { count: lengths.length, cost: rest };
  lengths.forEach((length, count) => {
    // Lanes are done when the work is, shared evenly, but not before their longest message.
    const cost = alone + (Math.max(length, rest / width) * width) / gain;
    if (cost < cheapest.cost) cheapest = { count, cost };
    alone += length;
    rest -= length;
  });
  return cheapest.count;
}
