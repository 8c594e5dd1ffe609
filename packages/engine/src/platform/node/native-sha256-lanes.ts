import koffi from "koffi";
import { equalBytes } from "../../crypto/equal-bytes.ts";
import { invariant } from "../../errors/invariant.ts";
import { addressOf } from "./lasting-memory.ts";

/** Gives the SHA-256 of each message, in their order. */
export type Sha256Many = (messages: readonly Uint8Array[]) => Uint8Array[];

/**
 * SHA-256 of up to `width` messages at once by `sha256_multi_block`, OpenSSL's own helper for TLS records: one message a lane of the vector
 * unit (8 with AVX2), or two interleaved where the processor has SHA instructions, which then wait less for each other. 64 KiB messages: 1.5 instead
 * of 0.65 GB/s without SHA instructions, 2.7 instead of 1.8 with them.
 *
 * Node exports it, but no header promises it. So it is taken only on x86-64, where OpenSSL has had it unchanged since 2014, from an OpenSSL 3, and if it
 * gives the same digests as `one` for lengths around every border; else the result is undefined, and `one` does the work.
 */
export function nativeSha256Lanes(width: number, one: (bytes: Uint8Array) => Uint8Array): Sha256Many | undefined {
  const multiBlock = findMultiBlock();
  if (multiBlock === undefined) return undefined;
  const many = sha256InLanes(multiBlock, width);
  const messages = testLengths.map((length) => new Uint8Array(length).map((_, i) => i * 7 + length));
  const isRight = many(messages).every((digest, i) => equalBytes(digest, one(messages[i] ?? digest)));
  return isRight ? many : undefined;
}

/** With and without whole blocks and a second block of padding, staged and not, and more than there are lanes. */
const testLengths = [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 8192, 8193, 9000, 20_000, 30_007];

/**
 * `void sha256_multi_block(SHA256_MB_CTX *, const HASH_DESC *, int)`: 8 state words of 8 lanes; for each lane the address and the number of 64-byte
 * blocks; 1 for four lanes or 2 for eight. It reads those blocks and writes the state, nothing else. Lanes without blocks must come last.
 */
type MultiBlock = (state: Uint32Array, descriptors: Uint8Array, quads: 1 | 2) => void;

function findMultiBlock(): MultiBlock | undefined {
  if (process.arch !== "x64" || !process.versions.openssl.startsWith("3.")) return undefined;
  try {
    return koffi.load(null).func("void sha256_multi_block(uint32_t *, const uint8_t *, int)") as MultiBlock;
  } catch {
    return undefined;
  }
}

const maxLanes = 8;
const blockBytes = 64;
/** FIPS 180-4, section 5.3.3. */
const initialState = Uint32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);
const stateWords = initialState.length;

/**
 * A message up to this long is copied into its lane with its padding behind it, so that one call hashes it. A longer one is hashed where it lies, and
 * its last bytes from the copy.
 */
const maxStagedBytes = 8 * 1024;
const stageBytes = maxStagedBytes + 2 * blockBytes;

/** Lanes wait for one another at most this long: short messages, put in order of length, go together in one call although they differ a little. */
const patienceBlocks = 64;
/** What a descriptor's 32-bit count allows, by far. */
const maxBlocksPerCall = 2 ** 24;

/** One place for one message at a time. */
interface Lane {
  readonly stage: Uint8Array;
  readonly stageView: DataView;
  readonly stageAddress: number;
  /** Which message it is. */
  index: number;
  /** What is to be hashed next, and how many blocks of it. */
  address: number;
  blocks: number;
  /** What comes after that from the stage. */
  stagedBlocks: number;
}

function sha256InLanes(multiBlock: MultiBlock, width: number): Sha256Many {
  invariant(width >= 1 && width <= maxLanes, "there are eight lanes");
  /** Word after word, of each the eight lanes. */
  const state = new Uint32Array(stateWords * maxLanes);
  /** Of each lane the address in 8 bytes, the count in 4, and 4 unused. */
  const descriptors = new Uint8Array(16 * maxLanes);
  const descriptorView = new DataView(descriptors.buffer);
  const lanes = Array.from({ length: width }, newLane);
  const digest = new Uint8Array(4 * stateWords);
  const digestView = new DataView(digest.buffer);

  return (messages) => {
    const digests: Uint8Array[] = Array.from(messages);
    let active = 0;
    let next = 0;
    while (active < width && next < messages.length) begin(active++, next++, messages);
    while (active > 0) {
      hashSome(active);
      // From the last to the first, so that the last one, which takes the place of one that is done, has been looked at.
      for (let number = active - 1; number >= 0; number--) {
        const lane = laneAt(number);
        if (lane.blocks > 0) continue;
        digests[lane.index] = digestOf(number);
        if (next < messages.length) begin(number, next++, messages);
        else moveLast(--active, number);
      }
    }
    return digests;
  };

  function laneAt(number: number): Lane {
    const lane = lanes[number];
    invariant(lane !== undefined, "lanes are counted from zero");
    return lane;
  }

  function begin(number: number, index: number, messages: readonly Uint8Array[]): void {
    const message = messages[index];
    invariant(message !== undefined, "a message is there for its lane");
    const lane = laneAt(number);
    const isStaged = message.length <= maxStagedBytes;
    const restStart = isStaged ? 0 : message.length - (message.length % blockBytes);
    lane.index = index;
    lane.stagedBlocks = stagePadded(lane, message, restStart);
    lane.address = isStaged ? lane.stageAddress : addressOf(message);
    lane.blocks = isStaged ? lane.stagedBlocks : restStart / blockBytes;
    if (isStaged) lane.stagedBlocks = 0;
    for (let word = 0; word < stateWords; word++) state[word * maxLanes + number] = initialState[word] ?? 0;
  }

  function hashSome(active: number): void {
    let fewest = maxBlocksPerCall;
    for (let number = 0; number < active; number++) fewest = Math.min(fewest, laneAt(number).blocks);
    const limit = Math.max(fewest, patienceBlocks);
    for (let number = 0; number < maxLanes; number++) {
      const at = number * 16;
      if (number >= active) {
        descriptorView.setInt32(at + 8, 0, true);
        continue;
      }
      const lane = laneAt(number);
      const blocks = Math.min(lane.blocks, limit);
      descriptorView.setUint32(at, lane.address % 2 ** 32, true);
      descriptorView.setUint32(at + 4, Math.floor(lane.address / 2 ** 32), true);
      descriptorView.setInt32(at + 8, blocks, true);
      lane.address += blocks * blockBytes;
      lane.blocks -= blocks;
      if (lane.blocks > 0) continue;
      lane.address = lane.stageAddress;
      lane.blocks = lane.stagedBlocks;
      lane.stagedBlocks = 0;
    }
    multiBlock(state, descriptors, active <= maxLanes / 2 ? 1 : 2);
  }

  function digestOf(number: number): Uint8Array {
    for (let word = 0; word < stateWords; word++)
      digestView.setUint32(word * 4, state[word * maxLanes + number] ?? 0, false);
    return digest.slice();
  }

  /** The last lane's message goes on in a lane that is empty, so that empty lanes come last. */
  function moveLast(from: number, to: number): void {
    if (from === to) return;
    const empty = laneAt(to);
    lanes[to] = laneAt(from);
    lanes[from] = empty;
    for (let word = 0; word < stateWords; word++) state[word * maxLanes + to] = state[word * maxLanes + from] ?? 0;
  }
}

function newLane(): Lane {
  const stage = new Uint8Array(stageBytes);
  const stageView = new DataView(stage.buffer);
  return { stage, stageView, stageAddress: addressOf(stage), index: 0, address: 0, blocks: 0, stagedBlocks: 0 };
}

/**
 * Copies the message from `restStart` on, and behind it its padding: a one bit, zeros, its length in bits (FIPS 180-4, section 5.1.1). Gives the
 * number of blocks.
 */
function stagePadded({ stage, stageView }: Lane, message: Uint8Array, restStart: number): number {
  const restBytes = message.length - restStart;
  const blocks = Math.ceil((restBytes + 9) / blockBytes);
  stage.set(restStart === 0 ? message : message.subarray(restStart));
  stage[restBytes] = 0x80;
  stage.fill(0, restBytes + 1, blocks * blockBytes);
  const end = blocks * blockBytes;
  stageView.setUint32(end - 8, Math.floor(message.length / 2 ** 29), false);
  stageView.setUint32(end - 4, (message.length * 8) % 2 ** 32, false);
  return blocks;
}
