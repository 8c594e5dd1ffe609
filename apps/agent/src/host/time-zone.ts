import { readFile, readlink } from "node:fs/promises";
import { timeZone } from "@saveos/contract";

export interface ZoneFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

/** Where systems note their zone. Undefined for what is not there. */
export interface ZoneReaders {
  readonly link: (file: string) => Promise<string | undefined>;
  readonly text: (file: string) => Promise<string | undefined>;
  /** What this process believes. */
  readonly ofProcess: () => string;
}

const systemReaders: ZoneReaders = {
  link: async (file) => await readlink(file).catch(() => undefined),
  text: async (file) => await readFile(file, "utf8").catch(() => undefined),
  ofProcess: () => Intl.DateTimeFormat().resolvedOptions().timeZone,
};

/**
 * The zone of the machine's clock now. A process keeps the zone that it found at its start, and a laptop travels: so it is read anew from
 * where Linux and macOS note it, the link `/etc/localtime`, else Debian's `/etc/timezone`. `TZ` in the environment goes before that, as everywhere;
 * then, and on Windows, it is what the process believes.
 */
export async function machineTimeZone(
  { env, platform }: ZoneFacts,
  readers: ZoneReaders = systemReaders,
): Promise<string> {
  const noted = env["TZ"] || platform === "win32" ? [] : await notedZones(platform, readers);
  const known = [...noted, readers.ofProcess()].find((name) => timeZone.safeParse(name).success);
  // A minimal container may have no zone at all; its clock shows UTC.
  return known ?? "UTC";
}

async function notedZones(platform: NodeJS.Platform, { link, text }: ZoneReaders): Promise<(string | undefined)[]> {
  const linked = /zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec((await link("/etc/localtime")) ?? "")?.[1];
  return platform === "linux" ? [linked, (await text("/etc/timezone"))?.trim()] : [linked];
}

/**
 * Has this process go by `zone` from now on, for windows of the day and times in snapshots. Node looks at `TZ` again whenever it is set; whoever
 * wants to know what it was at the start keeps that.
 */
export function followTimeZone(zone: string): void {
  // One zone may have two names: a name that was set already says nothing new.
  if (process.env["TZ"] !== zone && systemReaders.ofProcess() !== zone) process.env["TZ"] = zone;
}
