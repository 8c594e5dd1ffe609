import type { BandwidthWindow } from "@saveos/contract";
import type { Speed } from "@saveos/engine";

/** The speed that an order allows in one direction, by the machine's own time of the day: the first window that holds, outside of all no limit. */
export async function speedOfOrder(
  windows: readonly BandwidthWindow[],
  direction: "upload" | "download",
): Promise<Speed> {
  const { parseSpeedWindows, speedByWindows } = await import("@saveos/engine");
  const rules = windows.map(({ from, to, ...speeds }) => {
    const bytesPerSecond = speeds[`${direction}_bytes_per_second`];
    return `${from}-${to} ${bytesPerSecond ?? "unlimited"}`;
  });
  return speedByWindows(parseSpeedWindows(rules.join(", ")));
}

/** At each time the slower of two speeds: what the machine's owner allows is never exceeded by order, nor the other way round. */
export function slowerOf(one: Speed | undefined, other: Speed | undefined): Speed | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return (atMs) => {
    const speeds = [one, other].map((speed) => (typeof speed === "number" ? speed : speed(atMs)));
    const limited = speeds.filter((speed) => speed !== undefined);
    return limited.length === 0 ? undefined : Math.min(...limited);
  };
}
