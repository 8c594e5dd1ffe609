import type { RangeRequest } from "../object-store/object-storage.ts";

/**
 * Reads a Range header (RFC 9110, section 14.2). `undefined` means that the whole object is asked for: no header, a unit that isn't
 * bytes, or several ranges, which a server need not serve. `invalid` is a range that no object has.
 */
export function parseRange(header: string | undefined): RangeRequest | undefined | "invalid" {
  const ranges = header === undefined ? null : /^bytes=(.*)$/i.exec(header.trim());
  const text = ranges?.[1];
  if (text === undefined || text.includes(",")) return undefined;
  const [, first, last] = /^\s*(\d{0,15})-(\d{0,15})\s*$/.exec(text) ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return "invalid";
  if (first === "") return { lastBytes: Number(last) };
  const start = Number(first);
  if (last === "") return { start };
  const end = Number(last) + 1;
  return end > start ? { start, end } : "invalid";
}
