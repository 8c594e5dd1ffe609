import { BackwardBits } from "./bits.ts";
import { mustHold } from "./broken-frame.ts";
import { fseTable, nextState, readFseTable, singleSymbolTable, type FseTable } from "./fse-table.ts";
import type { Output } from "./output.ts";

/** What a block leaves to the next one of its frame. */
export interface SequenceState {
  literalLengths: FseTable | undefined;
  offsets: FseTable | undefined;
  matchLengths: FseTable | undefined;
  /** The distances used last, newest first. */
  readonly recent: [number, number, number];
}

export function newSequenceState(): SequenceState {
  return { literalLengths: undefined, offsets: undefined, matchLengths: undefined, recent: [1, 4, 8] };
}

/**
 * Runs the sequences section of a compressed block (RFC 8878, section 3.1.1.3.2): each sequence appends some literals and then a match, a piece of
 * the frame's own output. `frameStart` is where in the output the frame begins, `blockLimit` how far the block may go.
 */
export function runSequences(
  section: Uint8Array,
  literals: Uint8Array,
  state: SequenceState,
  output: Output,
  { frameStart, blockLimit }: { readonly frameStart: number; readonly blockLimit: number },
): void {
  const { count, headerBytes } = readCount(section);
  let literalsUsed = 0;
  if (count > 0) {
    const bits = readTables(section, headerBytes, state);
    const { literalLengths, offsets, matchLengths } = state;
    mustHold(
      literalLengths !== undefined && offsets !== undefined && matchLengths !== undefined,
      "there are earlier tables to use again",
    );
    let literalState = bits.read(literalLengths.accuracyLog);
    let offsetState = bits.read(offsets.accuracyLog);
    let matchState = bits.read(matchLengths.accuracyLog);
    for (let left = count; left > 0; left--) {
      const offsetCode = offsets.symbols[offsetState] ?? 0;
      const offsetValue = 2 ** offsetCode + bits.read(offsetCode);
      const matchCode = matchLengths.symbols[matchState] ?? 0;
      const matchLength = (matchBaselines[matchCode] ?? 0) + bits.read(matchBits[matchCode] ?? 0);
      const literalCode = literalLengths.symbols[literalState] ?? 0;
      const literalLength = (literalBaselines[literalCode] ?? 0) + bits.read(literalBits[literalCode] ?? 0);

      const distance = distanceOf(offsetValue, literalLength, state.recent);
      mustHold(literalsUsed + literalLength <= literals.length, "a sequence uses literals that are there");
      mustHold(output.length + literalLength + matchLength <= blockLimit, "a block gives no more than it may");
      output.appendLiterals(literals, literalsUsed, literalLength);
      literalsUsed += literalLength;
      mustHold(distance > 0 && distance <= output.length - frameStart, "a match is within its frame");
      output.appendMatch(distance, matchLength);

      if (left > 1) {
        literalState = nextState(literalLengths, literalState, bits);
        matchState = nextState(matchLengths, matchState, bits);
        offsetState = nextState(offsets, offsetState, bits);
      }
    }
    mustHold(bits.left === 0, "the sequences end with their last bit");
  } else mustHold(headerBytes === section.length, "nothing follows when there are no sequences");
  mustHold(output.length + literals.length - literalsUsed <= blockLimit, "a block gives no more than it may");
  output.append(literals.subarray(literalsUsed));
}

/** Values 1 to 3 stand for recent distances, shifted by one where there are no literals (RFC 8878, section 3.1.1.5). */
function distanceOf(offsetValue: number, literalLength: number, recent: [number, number, number]): number {
  const first = recent[0];
  const second = recent[1];
  if (offsetValue > 3) {
    recent[0] = offsetValue - 3;
    recent[1] = first;
    recent[2] = second;
    return offsetValue - 3;
  }
  const choice = literalLength === 0 ? offsetValue + 1 : offsetValue;
  if (choice === 1) return first;
  const distance = choice === 2 ? second : choice === 3 ? recent[2] : first - 1;
  recent[0] = distance;
  recent[1] = first;
  if (choice !== 2) recent[2] = second;
  return distance;
}

function readCount(section: Uint8Array): { readonly count: number; readonly headerBytes: number } {
  const [first, second, third] = section;
  mustHold(first !== undefined, "a block has a sequences section");
  if (first < 128) return { count: first, headerBytes: 1 };
  mustHold(second !== undefined, "the number of sequences is there");
  if (first < 255) return { count: ((first - 128) << 8) + second, headerBytes: 2 };
  mustHold(third !== undefined, "the number of sequences is there");
  return { count: second + (third << 8) + 0x7f00, headerBytes: 3 };
}

/** Puts the block's tables into `state` and gives the bits of the sequences that follow them. */
function readTables(section: Uint8Array, headerBytes: number, state: SequenceState): BackwardBits {
  const modes = section[headerBytes] ?? 3;
  mustHold((modes & 3) === 0, "reserved bits are zero");
  let at = headerBytes + 1;
  const read = (mode: number, kind: TableKind, earlier: FseTable | undefined): FseTable | undefined => {
    if (mode === 0) return kind.predefined;
    if (mode === 3) return earlier;
    if (mode === 1) {
      const symbol = section[at++];
      mustHold(symbol !== undefined && symbol <= kind.limits.symbol, "a single symbol is within its limit");
      return singleSymbolTable(symbol);
    }
    const { table, bytesRead } = readFseTable(section.subarray(at), kind.limits);
    at += bytesRead;
    return table;
  };
  state.literalLengths = read(modes >> 6, literalLengthKind, state.literalLengths);
  state.offsets = read((modes >> 4) & 3, offsetKind, state.offsets);
  state.matchLengths = read((modes >> 2) & 3, matchLengthKind, state.matchLengths);
  return new BackwardBits(section.subarray(at));
}

interface TableKind {
  readonly predefined: FseTable;
  readonly limits: { readonly accuracyLog: number; readonly symbol: number };
}

// The numbers of RFC 8878, section 3.1.1.3.2.2 (default distributions) and 3.1.1.3.2.1.1 (codes and their extra bits).
const literalLengthKind: TableKind = {
  predefined: fseTable(
    6,
    [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1],
  ),
  limits: { accuracyLog: 9, symbol: 35 },
};
const matchLengthKind: TableKind = {
  predefined: fseTable(
    6,
    [
      1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
      1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
  ),
  limits: { accuracyLog: 9, symbol: 52 },
};
const offsetKind: TableKind = {
  predefined: fseTable(5, [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1]),
  limits: { accuracyLog: 8, symbol: 31 },
};

const literalBits = Uint8Array.of(...zeros(16), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
const matchBits = Uint8Array.of(...zeros(32), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
const literalBaselines = baselinesFrom(0, literalBits);
const matchBaselines = baselinesFrom(3, matchBits);

function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0);
}

/** Each code covers as many values as its extra bits can tell apart, and the next code goes on from there. */
function baselinesFrom(first: number, bitCounts: Uint8Array): Uint32Array {
  let next = first;
  return Uint32Array.from(bitCounts, (bitCount) => {
    const baseline = next;
    next += 2 ** bitCount;
    return baseline;
  });
}
