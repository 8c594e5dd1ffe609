import { equalBytes } from "../../crypto/equal-bytes.ts";
import { isEngineError } from "../../errors/engine-error.ts";
import type { Node } from "../../format/node.ts";
import { parseTime, utcZone, type Zone, zoneOf } from "../../format/time.ts";
import { encodeTree } from "../../format/tree.ts";

/**
 * The zone in which these entries of a tree are written as they stand in its `bytes`, to the byte. Undefined if they can't be: the bytes say more than the
 * entries do, or say it otherwise, as other programs and old ones wrote it.
 */
export function exactZone(bytes: Uint8Array, nodes: readonly Node[]): Zone | undefined {
  try {
    const zone = zoneOfTimes(bytes);
    return equalBytes(encodeTree(nodes, zone), bytes) ? zone : undefined;
  } catch (error) {
    // Out of order, or a time that is none.
    if (isEngineError(error, "corrupt-data")) return undefined;
    throw error;
  }
}

/** What clocks showed at each moment that a tree names: summer and winter differ in most trees. */
function zoneOfTimes(bytes: Uint8Array): Zone {
  const offsets = new Map<number, number>();
  // No string in JSON has a quote that is not escaped, so a key is a key.
  for (const [, text = ""] of latin1.decode(bytes).matchAll(/"[mac]time":"([^"]*)"/g)) {
    if (text.endsWith("Z")) continue;
    const ns = parseTime(text);
    const second = Number(ns / nsPerSecond) - (ns % nsPerSecond < 0n ? 1 : 0);
    offsets.set(second, zoneOf(text, utcZone)(second));
  }
  return (second) => offsets.get(second) ?? 0;
}

const latin1 = new TextDecoder("latin1");
const nsPerSecond = 1_000_000_000n;
