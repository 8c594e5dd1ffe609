import { type BackwardBits, ForwardBits } from "./bits.ts";
import { mustHold } from "./broken-frame.ts";

/** A decoding table of finite state entropy (RFC 8878, section 4.1): a state is an index; it gives a symbol and how to reach the next state. */
export interface FseTable {
  readonly accuracyLog: number;
  readonly symbols: Uint8Array;
  /** The next state is `baselines[state]` plus so many bits from the stream. */
  readonly bitCounts: Uint8Array;
  readonly baselines: Uint16Array;
}

/** Marks a symbol that is so rare that it gets one state and, after it, a fresh one. */
const rare = -1;

/** Reads a table's description from the beginning of `bytes`. Gives the table and how many bytes described it. */
export function readFseTable(
  bytes: Uint8Array,
  limits: { readonly accuracyLog: number; readonly symbol: number },
): { readonly table: FseTable; readonly bytesRead: number } {
  const bits = new ForwardBits(bytes);
  const accuracyLog = bits.read(4) + 5;
  mustHold(accuracyLog <= limits.accuracyLog, "a table's accuracy is within its limit");
  const shares: number[] = [];
  let left = 1 << accuracyLog;
  while (left > 0) {
    mustHold(shares.length <= limits.symbol, "a table's symbols are within their limit");
    const share = readShare(bits, left);
    left -= Math.abs(share);
    shares.push(share);
    if (share === 0) readZeros(bits, shares);
  }
  mustHold(left === 0 && shares.length <= limits.symbol + 1, "a table's shares add up");
  return { table: fseTable(accuracyLog, shares), bytesRead: bits.bytesRead };
}

/** A share lies between −1 and `left`. The `left + 2` values take as few bits as they can: the first of them one bit less than the others. */
function readShare(bits: ForwardBits, left: number): number {
  const bitCount = 32 - Math.clz32(left + 1);
  const value = bits.read(bitCount);
  const shorterValues = (1 << bitCount) - 2 - left;
  const withoutTopBit = value & ((1 << (bitCount - 1)) - 1);
  if (withoutTopBit < shorterValues) {
    bits.unread(1);
    return withoutTopBit - 1;
  }
  return (value === withoutTopBit ? value : value - shorterValues) - 1;
}

/** After a share of zero, two bits say how many more zeros follow; three means three and another two bits. */
function readZeros(bits: ForwardBits, shares: number[]): void {
  for (let more = 3; more === 3 && shares.length < 256;) {
    more = bits.read(2);
    for (let i = 0; i < more; i++) shares.push(0);
  }
}

/** Builds the table in which each symbol has as many states as its share (RFC 8878, section 4.1.1). */
export function fseTable(accuracyLog: number, shares: readonly number[]): FseTable {
  const size = 1 << accuracyLog;
  const symbols = new Uint8Array(size);
  let end = size;
  shares.forEach((share, symbol) => {
    if (share === rare) symbols[--end] = symbol;
  });
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  shares.forEach((share, symbol) => {
    for (let i = 0; i < share; i++) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= end);
    }
  });
  const bitCounts = new Uint8Array(size);
  const baselines = new Uint16Array(size);
  const next = shares.map(Math.abs);
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] ?? 0;
    const place = next[symbol] ?? 1;
    next[symbol] = place + 1;
    const bitCount = accuracyLog - (31 - Math.clz32(place));
    bitCounts[state] = bitCount;
    baselines[state] = (place << bitCount) - size;
  }
  return { accuracyLog, symbols, bitCounts, baselines };
}

/** A table of one symbol that takes no bits. */
export function singleSymbolTable(symbol: number): FseTable {
  return {
    accuracyLog: 0,
    symbols: Uint8Array.of(symbol),
    bitCounts: new Uint8Array(1),
    baselines: new Uint16Array(1),
  };
}

export function nextState(table: FseTable, state: number, bits: BackwardBits): number {
  return (table.baselines[state] ?? 0) + bits.read(table.bitCounts[state] ?? 0);
}
