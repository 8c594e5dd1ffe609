import { InvalidArgumentError } from "commander";

/** Parsers for option values. Each throws commander's `InvalidArgumentError`, which names the option and ends with exit code 1. */

const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** `90s`, `5m`, `2h`, `1h30m`, as Go's durations; gives milliseconds. */
export function parseDurationMs(text: string): number {
  if (!/^(\d+(\.\d+)?[smhd])+$/.test(text)) throw new InvalidArgumentError("Write a duration such as 90s, 5m or 2h.");
  let seconds = 0;
  for (const [, value, unit] of text.matchAll(/([\d.]+)([smhd])/g))
    seconds += Number(value) * unitSeconds[unit as keyof typeof unitSeconds];
  return Math.round(seconds * 1000);
}

const sizeFactors: Record<string, number> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** `500`, `10k`, `2M`, `1G`, `1T`, powers of 1024 as in restic; gives bytes. */
export function parseSizeBytes(text: string): number {
  const match = /^(\d+)([bkmgt]?)$/i.exec(text);
  const factor = sizeFactors[match?.[2]?.toLowerCase() ?? ""];
  const bytes = Number(match?.[1]) * (factor ?? Number.NaN);
  if (!Number.isSafeInteger(bytes)) throw new InvalidArgumentError("Write a size such as 500, 10k, 2M, 1G or 1T.");
  return bytes;
}

/** A whole number of at least `min`. */
export function parseCount(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(
        max === Number.MAX_SAFE_INTEGER
          ? `Write a whole number of at least ${min}.`
          : `Write a whole number from ${min} to ${max}.`,
      );
    return value;
  };
}

/** A whole number from 0, or `unlimited`. */
export function parseKeepCount(text: string): number | "unlimited" {
  if (text === "unlimited") return text;
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw new InvalidArgumentError('Write a whole number from 0, or "unlimited".');
  return count;
}

/** Adds a value to those given before: for options that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** `--tag a,b --tag c`: each time one list, in which all must match when tags select snapshots. */
export function collectTags(
  value: string,
  before: readonly (readonly string[])[] = [],
): readonly (readonly string[])[] {
  const tags = value.split(",").map((tag) => tag.trim());
  // An empty tag alone asks for snapshots without any, as in restic.
  return [...before, tags.every((tag) => tag === "") ? [""] : tags.filter((tag) => tag !== "")];
}

/** What snapshots are grouped by. */
export interface GroupBy {
  readonly host: boolean;
  readonly paths: boolean;
  readonly tags: boolean;
}

/** `host,paths,tags` in any choice; an empty text means no groups. */
export function parseGroupBy(text: string): GroupBy {
  const words = text.split(",").filter((word) => word !== "");
  const unknown = words.find((word) => !["host", "paths", "path", "tags", "tag"].includes(word));
  if (unknown !== undefined) throw new InvalidArgumentError(`Can't group by "${unknown}": use host, paths and tags.`);
  return {
    host: words.includes("host"),
    paths: words.some((word) => word.startsWith("path")),
    tags: words.some((word) => word.startsWith("tag")),
  };
}

/**
 * A local date and time as `2026-01-31 08:30:00`, `2026-01-31 08:30`, `2026-01-31`, or RFC 3339 with its own zone;
 * gives nanoseconds since 1970.
 */
export function parseTimeNs(text: string): bigint {
  const shape = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text);
  const [, day, time = "00:00:00", zone = ""] = shape ?? [];
  const [clock = "", fraction = ""] = time.split(".");
  const ms = Date.parse(`${day}T${clock.length === 5 ? `${clock}:00` : clock}${zone}`);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Write a time such as "2026-01-31 08:30:00".');
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0") || "0");
}
