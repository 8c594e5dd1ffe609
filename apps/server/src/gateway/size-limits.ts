import type { ObjectKind } from "../object-store/object-name.ts";

const mebibyte = 1024 * 1024;

/**
 * The biggest upload of each kind, so that one request can't fill the disk. restic's packs have at most 128 MiB and a blob of 8 MiB;
 * other clients make them larger as a repository grows, so there is room for four times that, though the format would allow 4 GiB.
 * A snapshot lists the paths it was given, which may be many thousands. Keys, locks and the config have a few hundred bytes;
 * the config is held in memory, the others are streamed.
 */
export const uploadMaxBytes: Readonly<Record<ObjectKind, number>> = {
  data: 512 * mebibyte,
  index: 512 * mebibyte,
  snapshots: 64 * mebibyte,
  keys: mebibyte,
  locks: mebibyte,
  config: mebibyte / 16,
};

/**
 * How far locks may exceed a quota: without a lock no client can read a full repository, restore from it or prune it. This is enough for
 * thousands of them.
 */
export const lockAllowanceBytes = mebibyte;
