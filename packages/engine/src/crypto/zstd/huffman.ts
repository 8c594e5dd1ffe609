import { BackwardBits } from "./bits.ts";
import { mustHold } from "./broken-frame.ts";
import { nextState, readFseTable } from "./fse-table.ts";

/** A Huffman decoding table (RFC 8878, section 4.2): the next `maxBits` bits are an index; it gives a symbol and how many of the bits are its code. */
export interface HuffmanTable {
  readonly maxBits: number;
  readonly symbols: Uint8Array;
  readonly bitCounts: Uint8Array;
}

const maxCodeBits = 11;
const maxWeights = 255;
const weightAccuracyLimit = 6;

/** Reads a tree's description from the beginning of `bytes`. Gives the table and how many bytes described it. */
export function readHuffmanTable(bytes: Uint8Array): { readonly table: HuffmanTable; readonly bytesRead: number } {
  const header = bytes[0];
  mustHold(header !== undefined, "a Huffman tree has a header");
  if (header < 128) {
    const end = 1 + header;
    mustHold(end <= bytes.length, "a Huffman tree fits its block");
    return { table: huffmanTable(readCompressedWeights(bytes.subarray(1, end))), bytesRead: end };
  }
  const count = header - 127;
  const end = 1 + ((count + 1) >> 1);
  mustHold(end <= bytes.length, "a Huffman tree fits its block");
  const weights = Array.from({ length: count }, (_, i) => {
    const pair = bytes[1 + (i >> 1)] ?? 0;
    return i % 2 === 0 ? pair >> 4 : pair & 15;
  });
  return { table: huffmanTable(weights), bytesRead: end };
}

/** Two states take turns until the bits run out; the other one's symbol is the last (RFC 8878, section 4.2.1.2). */
function readCompressedWeights(bytes: Uint8Array): number[] {
  const { table, bytesRead } = readFseTable(bytes, { accuracyLog: weightAccuracyLimit, symbol: maxWeights });
  const bits = new BackwardBits(bytes.subarray(bytesRead));
  let state = bits.read(table.accuracyLog);
  let other = bits.read(table.accuracyLog);
  mustHold(bits.left >= 0, "Huffman weights have their first states");
  const weights: number[] = [];
  while (bits.left >= 0) {
    mustHold(weights.length < maxWeights, "there are no more weights than bytes");
    weights.push(table.symbols[state] ?? 0);
    const after = nextState(table, state, bits);
    state = other;
    other = after;
  }
  weights.push(table.symbols[state] ?? 0);
  return weights;
}

/** A weight w > 0 stands for 2^(w−1) of the table's entries. The last symbol's weight is not written: it fills the table. */
function huffmanTable(weights: readonly number[]): HuffmanTable {
  mustHold(weights.length <= maxWeights, "there are no more weights than bytes");
  let sum = 0;
  for (const weight of weights) {
    mustHold(weight <= maxCodeBits, "a Huffman code has at most 11 bits");
    if (weight > 0) sum += 1 << (weight - 1);
  }
  mustHold(sum > 0, "a Huffman tree has leaves");
  const maxBits = 32 - Math.clz32(sum);
  mustHold(maxBits <= maxCodeBits, "a Huffman code has at most 11 bits");
  const size = 1 << maxBits;
  const rest = size - sum;
  mustHold((rest & (rest - 1)) === 0, "a Huffman tree is complete");
  const all = [...weights, 32 - Math.clz32(rest)];

  const symbols = new Uint8Array(size);
  const bitCounts = new Uint8Array(size);
  let at = 0;
  for (let weight = 1; weight <= maxBits; weight++) {
    const entries = 1 << (weight - 1);
    all.forEach((symbolWeight, symbol) => {
      if (symbolWeight !== weight) return;
      symbols.fill(symbol, at, at + entries);
      bitCounts.fill(maxBits + 1 - weight, at, at + entries);
      at += entries;
    });
  }
  return { maxBits, symbols, bitCounts };
}

/** Fills `output` with the symbols of one stream, which has to end exactly there. */
export function decodeHuffman(table: HuffmanTable, stream: Uint8Array, output: Uint8Array): void {
  const { maxBits, symbols, bitCounts } = table;
  const bits = new BackwardBits(stream);
  const mask = (1 << maxBits) - 1;
  let left = bits.left;
  let i = 0;
  // `BackwardBits` by hand while there are enough bits: this loop is half of all decompression.
  for (; i < output.length && left >= maxBits; i++) {
    const from = left - maxBits;
    const byte = from >>> 3;
    const three = (stream[byte] ?? 0) | ((stream[byte + 1] ?? 0) << 8) | ((stream[byte + 2] ?? 0) << 16);
    const entry = (three >>> (from & 7)) & mask;
    output[i] = symbols[entry] ?? 0;
    left -= bitCounts[entry] ?? 0;
  }
  bits.skip(bits.left - left);
  for (; i < output.length; i++) {
    const entry = bits.peek(maxBits);
    output[i] = symbols[entry] ?? 0;
    bits.skip(bitCounts[entry] ?? 0);
  }
  mustHold(bits.left === 0, "a Huffman stream ends with its last symbol");
}
