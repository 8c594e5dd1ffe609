import type { SnapshotGroup, StoredSnapshot } from "@saveos/engine";
import { formatBytes, plural } from "../terminal/quantities.ts";
import { type Column, tableLines } from "../terminal/table.ts";
import { plainTime } from "./records/long-line.ts";

interface SnapshotLinesOptions {
  /** One line each, without the paths. */
  readonly compact?: true | undefined;
  /** Why each is kept. Left out: no such column. */
  readonly reasonsOf?: ((snapshot: StoredSnapshot) => readonly string[]) | undefined;
}

/** A table of snapshots for people, with their number below. */
export async function snapshotLines(
  snapshots: readonly StoredSnapshot[],
  { compact, reasonsOf }: SnapshotLinesOptions,
): Promise<string[]> {
  if (snapshots.length === 0) return ["No snapshots"];
  const { displayName, formatTime, localZone, parseTime } = await import("@saveos/engine");
  const joined = (texts: readonly string[]) => (compact ? [texts.join(",")] : texts);
  const columns: Column<StoredSnapshot>[] = [
    { title: "ID", cell: ({ id }) => [id.slice(0, 8)] },
    { title: "Time", cell: ({ time }) => [plainTime(formatTime(parseTime(time), localZone))] },
    { title: "Host", cell: ({ hostname }) => [displayName(hostname)] },
    { title: "Tags", cell: ({ tags }) => joined(tags.map(displayName)) },
    ...(reasonsOf ? [{ title: "Kept as", cell: (snapshot: StoredSnapshot) => joined(reasonsOf(snapshot)) }] : []),
    ...(compact ? [] : [{ title: "Paths", cell: ({ paths }: StoredSnapshot) => paths.map(displayName) }]),
    {
      title: "Size",
      cell: ({ summary }) => [summary === undefined ? "" : formatBytes(summary.totalBytesProcessed)],
      align: "right",
    },
  ];
  return [...tableLines(columns, snapshots), plural(snapshots.length, "snapshot")];
}

/** What the snapshots of a group have in common: `host web1, paths /etc, /home`. */
export function groupTitle({ hostname, paths, tags }: Omit<SnapshotGroup, "snapshots">): string {
  const parts = [
    hostname === undefined ? undefined : `host ${hostname}`,
    paths === undefined ? undefined : `paths ${paths.join(", ")}`,
    tags === undefined ? undefined : `tags ${tags.join(", ") || "none"}`,
  ];
  return parts.filter((part) => part !== undefined).join(", ") || "all";
}

/** A list without anything is null in restic's JSON. */
export function orNull<Item>(list: readonly Item[] | undefined): readonly Item[] | null {
  return list === undefined || list.length === 0 ? null : list;
}
