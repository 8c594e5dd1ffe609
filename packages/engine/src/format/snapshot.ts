import { EngineError } from "../errors/engine-error.ts";
import { type BlobId, type ObjectId, parseBlobId, parseObjectId } from "./ids.ts";
import { JsonReader } from "./json-reader.ts";
import { jsonArray, jsonBytes, jsonObject, jsonString } from "./json-text.ts";
import { parseTime } from "./time.ts";

/** What the backup that made a snapshot did (restic ≥ 0.17). Times as in `Snapshot.time`; sizes in bytes. */
export interface SnapshotSummary {
  readonly backupStart: string;
  readonly backupEnd: string;
  readonly filesNew: number;
  readonly filesChanged: number;
  readonly filesUnmodified: number;
  readonly dirsNew: number;
  readonly dirsChanged: number;
  readonly dirsUnmodified: number;
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Bytes of new blobs before compression and sealing. */
  readonly dataAdded: number;
  /** The same blobs as stored. */
  readonly dataAddedPacked: number;
  readonly totalFilesProcessed: number;
  readonly totalBytesProcessed: number;
}

/** One backup run, as its file says (restic design.rst, "Snapshots"). */
export interface Snapshot {
  /** RFC 3339 with nanoseconds, in the writer's zone; kept as text because its zone matters to retention. */
  readonly time: string;
  readonly parent: ObjectId | undefined;
  readonly tree: BlobId | undefined;
  readonly paths: readonly string[];
  readonly hostname: string;
  readonly username: string;
  readonly uid: number;
  readonly gid: number;
  readonly excludes: readonly string[];
  readonly tags: readonly string[];
  readonly original: ObjectId | undefined;
  readonly programVersion: string;
  readonly summary: SnapshotSummary | undefined;
}

/** A snapshot with the name of its file. */
export interface StoredSnapshot extends Snapshot {
  readonly id: ObjectId;
}

export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const text = jsonObject({
    time: jsonString(snapshot.time),
    parent: snapshot.parent && jsonString(snapshot.parent),
    tree: snapshot.tree === undefined ? null : jsonString(snapshot.tree),
    paths: jsonStrings(snapshot.paths),
    hostname: snapshot.hostname === "" ? undefined : jsonString(snapshot.hostname),
    username: snapshot.username === "" ? undefined : jsonString(snapshot.username),
    // Root is left out here, though never in a tree.
    uid: snapshot.uid || undefined,
    gid: snapshot.gid || undefined,
    excludes: snapshot.excludes.length === 0 ? undefined : jsonStrings(snapshot.excludes),
    tags: snapshot.tags.length === 0 ? undefined : jsonStrings(snapshot.tags),
    original: snapshot.original && jsonString(snapshot.original),
    program_version: snapshot.programVersion === "" ? undefined : jsonString(snapshot.programVersion),
    summary: snapshot.summary && encodeSummary(snapshot.summary),
  });
  return jsonBytes(text);
}

/**
 * Throws `corrupt-data` unless the bytes are a snapshot with a time. A snapshot without a tree decodes, so that it can be listed and named as
 * damaged. Keys that SaveOS does not know are ignored.
 */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const reader = new JsonReader(bytes, "Snapshot");
  const snapshot: Writable<Snapshot> = {
    time: "",
    parent: undefined,
    tree: undefined,
    paths: [],
    hostname: "",
    username: "",
    uid: 0,
    gid: 0,
    excludes: [],
    tags: [],
    original: undefined,
    programVersion: "",
    summary: undefined,
  };
  reader.object((key) => {
    if (key === "time") snapshot.time = reader.string();
    else if (key === "parent") snapshot.parent = parseObjectId(reader.string());
    else if (key === "tree") snapshot.tree = parseBlobId(reader.string());
    else if (key === "paths") snapshot.paths = readStrings(reader);
    else if (key === "hostname") snapshot.hostname = reader.string();
    else if (key === "username") snapshot.username = reader.string();
    else if (key === "uid") snapshot.uid = reader.uint32();
    else if (key === "gid") snapshot.gid = reader.uint32();
    else if (key === "excludes") snapshot.excludes = readStrings(reader);
    else if (key === "tags") snapshot.tags = readStrings(reader);
    else if (key === "original") snapshot.original = parseObjectId(reader.string());
    else if (key === "program_version") snapshot.programVersion = reader.string();
    else if (key === "summary") snapshot.summary = readSummary(reader);
  });
  reader.end();
  if (snapshot.time === "") throw new EngineError("corrupt-data", "Snapshot has no time");
  parseTime(snapshot.time);
  return snapshot;
}

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** The numbers of a summary in restic's order, after the two times; none is left out. */
const summaryCounts = [
  ["files_new", "filesNew"],
  ["files_changed", "filesChanged"],
  ["files_unmodified", "filesUnmodified"],
  ["dirs_new", "dirsNew"],
  ["dirs_changed", "dirsChanged"],
  ["dirs_unmodified", "dirsUnmodified"],
  ["data_blobs", "dataBlobs"],
  ["tree_blobs", "treeBlobs"],
  ["data_added", "dataAdded"],
  ["data_added_packed", "dataAddedPacked"],
  ["total_files_processed", "totalFilesProcessed"],
  ["total_bytes_processed", "totalBytesProcessed"],
] as const;

const summaryCountByKey = new Map<string, (typeof summaryCounts)[number][1]>(summaryCounts);

/** The summary as it stands in a snapshot. */
export function encodeSummary(summary: SnapshotSummary): string {
  return jsonObject({
    backup_start: jsonString(summary.backupStart),
    backup_end: jsonString(summary.backupEnd),
    ...Object.fromEntries(summaryCounts.map(([key, property]) => [key, summary[property]])),
  });
}

/** What the file does not say is zero: rustic and later versions of restic count other things too. */
function readSummary(reader: JsonReader): SnapshotSummary {
  const summary: Writable<SnapshotSummary> = {
    backupStart: "",
    backupEnd: "",
    filesNew: 0,
    filesChanged: 0,
    filesUnmodified: 0,
    dirsNew: 0,
    dirsChanged: 0,
    dirsUnmodified: 0,
    dataBlobs: 0,
    treeBlobs: 0,
    dataAdded: 0,
    dataAddedPacked: 0,
    totalFilesProcessed: 0,
    totalBytesProcessed: 0,
  };
  reader.object((key) => {
    if (key === "backup_start") summary.backupStart = reader.string();
    else if (key === "backup_end") summary.backupEnd = reader.string();
    else {
      const property = summaryCountByKey.get(key);
      if (property !== undefined) summary[property] = reader.safeInteger();
    }
  });
  return summary;
}

function jsonStrings(texts: readonly string[]): string {
  return jsonArray(texts.map(jsonString));
}

function readStrings(reader: JsonReader): string[] {
  const texts: string[] = [];
  reader.array(() => texts.push(reader.string()));
  return texts;
}
