import { mustHold } from "./broken-frame.ts";
import type { HuffmanTable } from "./huffman.ts";
import { readLiterals } from "./literals.ts";
import { Output } from "./output.ts";
import { newSequenceState, runSequences } from "./sequences.ts";

/**
 * Decompresses zstd data (RFC 8878): any number of frames, at least one, with or without their content size. Throws `corrupt-data` for a broken frame
 * or when there would be more than `maxBytes`; it allocates no more than about twice that, whatever the frame claims.
 *
 * Dictionaries are not supported: no restic repository uses them. A frame's checksum is passed over: whatever is compressed in a
 * repository is under a MAC, and most of it is named by its hash.
 */
export function zstdDecompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  mustHold(bytes.length > 0, "there is a frame");
  const output = new Output(maxBytes, usualCompressionRatio * bytes.length);
  for (let at = 0; at < bytes.length;) at = readFrame(bytes, at, output, maxBytes);
  return output.finish();
}

/** How much to allocate at first. More grows; too much would let a small frame claim a large buffer. */
const usualCompressionRatio = 4;

const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
const checksumBytes = 4;

/** No block gives more, whatever its window (RFC 8878, section 3.1.1.2.4). */
const maxBlockBytes = 128 * 1024;

/** The most that other restic writers are known to use. The output itself is the window here, so this costs no memory. */
const maxWindowBytes = 128 * 1024 * 1024;

/** Reads the frame at `start`, and gives where it ends. */
function readFrame(bytes: Uint8Array, start: number, output: Output, maxBytes: number): number {
  const magic = littleEndian(bytes, start, 4);
  if (magic - (magic % 16) === skippableMagic) {
    const end = start + 8 + littleEndian(bytes, start + 4, 4);
    mustHold(end <= bytes.length, "a skippable frame is there as a whole");
    return end;
  }
  mustHold(magic === frameMagic, "a frame begins with its magic number");
  const header = readFrameHeader(bytes, start + 4);
  mustHold(
    header.contentBytes === undefined || output.length + header.contentBytes <= maxBytes,
    `it holds no more than ${maxBytes} bytes`,
  );
  const frameStart = output.length;
  let end = readBlocks(bytes, header.end, output, header.blockBytes);
  if (header.hasChecksum) end += checksumBytes;
  mustHold(end <= bytes.length, "a frame is there as a whole");
  mustHold(
    header.contentBytes === undefined || header.contentBytes === output.length - frameStart,
    "a frame's content has the size that it says",
  );
  return end;
}

interface FrameHeader {
  /** Where the first block begins. */
  readonly end: number;
  readonly contentBytes: number | undefined;
  /** The most that one block of this frame gives. */
  readonly blockBytes: number;
  readonly hasChecksum: boolean;
}

function readFrameHeader(bytes: Uint8Array, start: number): FrameHeader {
  const descriptor = littleEndian(bytes, start, 1);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  mustHold((descriptor & 0x08) === 0, "reserved bits are zero");
  mustHold((descriptor & 0x03) === 0, "a frame needs no dictionary");
  let at = start + 1;
  const windowDescriptor = isSingleSegment ? undefined : littleEndian(bytes, at++, 1);
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 2 ** sizeFlag;
  const size = littleEndian(bytes, at, sizeBytes) + (sizeFlag === 1 ? 256 : 0);
  const contentBytes = sizeBytes === 0 ? undefined : size;
  const windowBytes = windowDescriptor === undefined ? size : windowSize(windowDescriptor);
  mustHold(isSingleSegment || windowBytes <= maxWindowBytes, "a window has at most 128 MiB");
  return {
    end: at + sizeBytes,
    contentBytes,
    blockBytes: Math.min(windowBytes, maxBlockBytes),
    hasChecksum: (descriptor & 0x04) !== 0,
  };
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** Appends the content of all blocks from `start` on, and gives where the last one ends. */
function readBlocks(bytes: Uint8Array, start: number, output: Output, blockBytes: number): number {
  const frameStart = output.length;
  const sequences = newSequenceState();
  let huffman: HuffmanTable | undefined;
  let at = start;
  for (let isLast = false; !isLast;) {
    const header = littleEndian(bytes, at, 3);
    isLast = (header & 1) !== 0;
    const kind = (header >> 1) & 3;
    const size = header >> 3;
    at += 3;
    const end = at + (kind === 1 ? 1 : size);
    mustHold(
      kind !== 3 && end <= bytes.length && size <= blockBytes,
      "a block is of a known kind and there as a whole",
    );
    const block = bytes.subarray(at, end);
    if (kind === 0) output.append(block);
    else if (kind === 1) output.appendRepeated(block[0] ?? 0, size);
    else {
      const literals = readLiterals(block, huffman, blockBytes);
      huffman = literals.table;
      const limits = { frameStart, blockLimit: output.length + blockBytes };
      runSequences(block.subarray(literals.end), literals.bytes, sequences, output, limits);
    }
    at = end;
  }
  return at;
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  mustHold(at + count <= bytes.length, "a frame is there as a whole");
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}
