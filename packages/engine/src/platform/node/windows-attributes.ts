import koffi from "koffi";

/**
 * What a node records of a file on Windows beyond POSIX: the raw JSON texts of restic's generic attributes by key, in the order of the keys.
 * None for a volume's root and for alternate streams, as in restic.
 */
export function windowsAttributes(path: string, birthtimeNs: bigint): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  if (/^[A-Za-z]:\/?$/.test(path) || path.indexOf(":", 2) !== -1) return attributes;
  attributes.set("windows.creation_time", fileTime(birthtimeNs));
  const flags = fileAttributes(path);
  if (flags !== undefined) attributes.set("windows.file_attributes", String(flags));
  return attributes;
}

/** A FILETIME counts steps of 100 ns from 1601-01-01 UTC; restic writes its halves. */
export function fileTime(unixNs: bigint): string {
  const stepNs = 100n;
  const stepsFrom1601To1970 = 116_444_736_000_000_000n;
  const steps = BigInt.asUintN(64, unixNs / stepNs + stepsFrom1601To1970);
  return JSON.stringify({ LowDateTime: Number(steps & 0xffff_ffffn), HighDateTime: Number(steps >> 32n) });
}

type GetFileAttributes = (path: string) => number;

let getFileAttributes: GetFileAttributes | undefined;

/** Hidden, system, archive … (`GetFileAttributesW`); undefined if the system does not tell. */
function fileAttributes(path: string): number | undefined {
  getFileAttributes ??= koffi.load("kernel32.dll").func("uint32_t __stdcall GetFileAttributesW(const char16_t *)");
  const invalidFileAttributes = 0xffff_ffff;
  // The prefix lets paths be longer than 260 characters; it takes backslashes only.
  const flags = getFileAttributes(`\\\\?\\${path.replaceAll("/", "\\")}`);
  return flags === invalidFileAttributes ? undefined : flags;
}
