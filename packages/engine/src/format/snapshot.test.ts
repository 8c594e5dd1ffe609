import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import { parseBlobId, parseObjectId } from "./ids.ts";
import { decodeSnapshot, encodeSnapshot, type Snapshot } from "./snapshot.ts";

const bare: Snapshot = {
  time: "2023-11-14T17:13:20.0000001-05:00",
  parent: undefined,
  tree: parseBlobId("22".repeat(32)),
  paths: ["/home/a&b"],
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

const full: Snapshot = {
  ...bare,
  parent: parseObjectId("11".repeat(32)),
  hostname: "kasimir",
  username: "fd0",
  uid: 1000,
  gid: 100,
  excludes: ["*.tmp"],
  tags: ["nightly", "é"],
  original: parseObjectId("33".repeat(32)),
  programVersion: "saveos 0.1.0",
  summary: {
    backupStart: "2023-11-14T17:13:20-05:00",
    backupEnd: "2023-11-14T17:13:21-05:00",
    filesNew: 1,
    filesChanged: 2,
    filesUnmodified: 3,
    dirsNew: 4,
    dirsChanged: 5,
    dirsUnmodified: 6,
    dataBlobs: 7,
    treeBlobs: 8,
    dataAdded: 9_007_199_254_740_991,
    dataAddedPacked: 10,
    totalFilesProcessed: 11,
    totalBytesProcessed: 12,
  },
};

const textOf = (snapshot: Snapshot) => new TextDecoder().decode(encodeSnapshot(snapshot));
const decode = (json: string) => decodeSnapshot(new TextEncoder().encode(json));

test("a snapshot of root leaves out what is empty", () => {
  expect(textOf(bare)).toBe(
    `{"time":"2023-11-14T17:13:20.0000001-05:00","tree":"${"22".repeat(32)}","paths":["/home/a\\u0026b"]}`,
  );
});

test("a full snapshot has restic's keys in restic's order", () => {
  expect(textOf(full)).toBe(
    `{"time":"2023-11-14T17:13:20.0000001-05:00","parent":"${"11".repeat(32)}","tree":"${"22".repeat(32)}",` +
      '"paths":["/home/a\\u0026b"],"hostname":"kasimir","username":"fd0","uid":1000,"gid":100,"excludes":["*.tmp"],' +
      `"tags":["nightly","é"],"original":"${"33".repeat(32)}","program_version":"saveos 0.1.0",` +
      '"summary":{"backup_start":"2023-11-14T17:13:20-05:00","backup_end":"2023-11-14T17:13:21-05:00",' +
      '"files_new":1,"files_changed":2,"files_unmodified":3,"dirs_new":4,"dirs_changed":5,"dirs_unmodified":6,' +
      '"data_blobs":7,"tree_blobs":8,"data_added":9007199254740991,"data_added_packed":10,' +
      '"total_files_processed":11,"total_bytes_processed":12}}',
  );
});

test("any snapshot is read as it was written", () => {
  const text = fc.string({ unit: "binary", maxLength: 8 });
  const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytes.toHex());
  const uint32 = fc.nat({ max: 0xffffffff });
  const snapshots: fc.Arbitrary<Snapshot> = fc.record({
    time: fc.constantFrom(bare.time, "2023-11-14T22:13:20Z"),
    parent: fc.option(id.map(parseObjectId), { nil: undefined }),
    tree: fc.option(id.map(parseBlobId), { nil: undefined }),
    paths: fc.array(text),
    hostname: text,
    username: text,
    uid: uint32,
    gid: uint32,
    excludes: fc.array(text),
    tags: fc.array(text),
    original: fc.option(id.map(parseObjectId), { nil: undefined }),
    programVersion: text,
    summary: fc.constantFrom(undefined, full.summary),
  });
  fc.assert(
    fc.property(snapshots, (snapshot) => {
      expect(decodeSnapshot(encodeSnapshot(snapshot))).toEqual(snapshot);
    }),
  );
});

test("a path that is not UTF-8 has one replacement character for each byte, as restic writes it", () => {
  expect(textOf({ ...bare, paths: ["/a\udcff\udcfe"] })).toContain('"paths":["/a\\ufffd\\ufffd"]');
});

test("broken and foreign snapshots are read as far as they go", () => {
  const text =
    '{"time":"2023-11-14T22:13:20Z","tree":null,"paths":null,"label":"x","summary":{"files_new":1,"command":"y"}}';
  const snapshot = decode(text);
  expect(snapshot).toMatchObject({ tree: undefined, paths: [], hostname: "" });
  expect(snapshot.summary).toMatchObject({ filesNew: 1, treeBlobs: 0 });
});

test.each([
  ["no time", "{}"],
  ["a time that is none", '{"time":"today"}'],
  ["a tree that is no id", '{"time":"2023-11-14T22:13:20Z","tree":"../x"}'],
  ["a path that is a number", '{"time":"2023-11-14T22:13:20Z","paths":[1]}'],
  ["something after the end", '{"time":"2023-11-14T22:13:20Z"}}'],
])("a snapshot with %s is corrupt data", (_what, text) => {
  expect(() => decode(text)).toThrow(EngineError);
});
