import { mustHold } from "./broken-frame.ts";
import { decodeHuffman, readHuffmanTable, type HuffmanTable } from "./huffman.ts";

/** What a block's literals section gives. */
export interface Literals {
  readonly bytes: Uint8Array;
  /** Where in the block the sequences section begins. */
  readonly end: number;
  /** The tree for a later block to use again. */
  readonly table: HuffmanTable | undefined;
}

/** Sizes in the header of the 4-stream formats: the bits of each of the two sizes, and the header's bytes. */
const compressedFormats = [
  { sizeBits: 10, headerBytes: 3, streams: 1 },
  { sizeBits: 10, headerBytes: 3, streams: 4 },
  { sizeBits: 14, headerBytes: 4, streams: 4 },
  { sizeBits: 18, headerBytes: 5, streams: 4 },
] as const;

const rawFormatHeaderBytes = [1, 2, 1, 3] as const;

/** Reads the literals of a compressed block (RFC 8878, section 3.1.1.3.1). `maxBytes` is the most that a block may give. */
export function readLiterals(block: Uint8Array, earlier: HuffmanTable | undefined, maxBytes: number): Literals {
  mustHold(block.length > 0, "a compressed block is not empty");
  const kind = (block[0] ?? 0) & 3;
  const format = ((block[0] ?? 0) >> 2) & 3;
  return kind < 2
    ? readPlainLiterals(block, kind === 1, format, earlier, maxBytes)
    : readCompressedLiterals(block, kind === 3, format, earlier, maxBytes);
}

function readPlainLiterals(
  block: Uint8Array,
  isOneByteRepeated: boolean,
  format: number,
  table: HuffmanTable | undefined,
  maxBytes: number,
): Literals {
  const headerBytes = rawFormatHeaderBytes[format] ?? 1;
  const size = littleEndian(block, 0, headerBytes) >>> (headerBytes === 1 ? 3 : 4);
  const end = headerBytes + (isOneByteRepeated ? 1 : size);
  mustHold(end <= block.length && size <= maxBytes, "literals fit their block");
  if (!isOneByteRepeated) return { bytes: block.subarray(headerBytes, end), end, table };
  return { bytes: new Uint8Array(size).fill(block[headerBytes] ?? 0), end, table };
}

function readCompressedLiterals(
  block: Uint8Array,
  usesEarlierTable: boolean,
  format: number,
  earlier: HuffmanTable | undefined,
  maxBytes: number,
): Literals {
  const { sizeBits, headerBytes, streams } = compressedFormats[format] ?? compressedFormats[0];
  // A header of 5 bytes does not fit 32-bit arithmetic.
  const header = littleEndian(block, 0, headerBytes);
  const size = Math.floor(header / 16) % 2 ** sizeBits;
  const compressedSize = Math.floor(header / 2 ** (4 + sizeBits));
  const end = headerBytes + compressedSize;
  mustHold(end <= block.length && size <= maxBytes, "literals fit their block");
  const compressed = block.subarray(headerBytes, end);
  const described = usesEarlierTable ? undefined : readHuffmanTable(compressed);
  const table = described?.table ?? earlier;
  mustHold(table !== undefined, "there is an earlier Huffman tree to use again");
  const bytes = new Uint8Array(size);
  decodeStreams(table, compressed.subarray(described?.bytesRead ?? 0), bytes, streams);
  return { bytes, end, table };
}

function decodeStreams(table: HuffmanTable, compressed: Uint8Array, output: Uint8Array, streams: 1 | 4): void {
  if (streams === 1) {
    decodeHuffman(table, compressed, output);
    return;
  }
  // The sizes of the first three come first; what is left is the fourth.
  let from = 6;
  mustHold(compressed.length > from, "four streams have their sizes");
  const outputPart = (output.length + 3) >> 2;
  mustHold(3 * outputPart <= output.length, "four streams have something to give");
  for (let i = 0; i < 4; i++) {
    const to = i === 3 ? compressed.length : from + littleEndian(compressed, 2 * i, 2);
    mustHold(to <= compressed.length, "four streams fit their block");
    const outputEnd = i === 3 ? output.length : outputPart * (i + 1);
    decodeHuffman(table, compressed.subarray(from, to), output.subarray(outputPart * i, outputEnd));
    from = to;
  }
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  mustHold(at + count <= bytes.length, "a header fits its block");
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}
