import path from "node:path";
import type { Abortable, Repository } from "@saveos/engine";
import { readStateFile, writeStateFile } from "../host/state-file.ts";

/**
 * What the machine remembers of its own repository. A server can't forge or change a snapshot, but it could show the repository as it was before, or have
 * lost a part of it: the last snapshot that the machine made tells.
 */
export interface RememberedSnapshots {
  readonly last: MadeSnapshot | undefined;
  /** One that was the last and was seen to be gone, until it is there again. */
  readonly gone: GoneSnapshot | undefined;
}

/** Times are RFC 3339. */
export interface MadeSnapshot {
  /** 64 hex digits. */
  readonly id: string;
  readonly madeAt: string;
}

export interface GoneSnapshot extends MadeSnapshot {
  readonly noticedAt: string;
}

const nothing: RememberedSnapshots = { last: undefined, gone: undefined };

export async function readRememberedSnapshots(stateFolder: string): Promise<RememberedSnapshots> {
  return (await readStateFile(fileIn(stateFolder), parse)) ?? nothing;
}

export async function rememberLastSnapshot(stateFolder: string, last: MadeSnapshot): Promise<void> {
  await write(stateFolder, { ...(await readRememberedSnapshots(stateFolder)), last });
}

/** Looks whether the last snapshot is still in the machine's repository. Resolves with it if it is gone, which is remembered. */
export async function findLastSnapshotGone(
  stateFolder: string,
  repository: Pick<Repository, "store">,
  { now, signal }: Abortable & { readonly now: string },
): Promise<MadeSnapshot | undefined> {
  const { last, gone } = await readRememberedSnapshots(stateFolder);
  const isBack = gone !== undefined && (await isThere(repository, gone, { signal }));
  const isGone = last !== undefined && last.id !== gone?.id && !(await isThere(repository, last, { signal }));
  if (isGone) await write(stateFolder, { last, gone: { ...last, noticedAt: now } });
  else if (isBack) await write(stateFolder, { last, gone: undefined });
  return isGone ? last : undefined;
}

async function isThere(
  { store }: Pick<Repository, "store">,
  { id }: MadeSnapshot,
  options: Abortable,
): Promise<boolean> {
  const { isEngineError, parseObjectId } = await import("@saveos/engine");
  try {
    await store.size(`snapshots/${parseObjectId(id)}`, options);
    return true;
  } catch (error) {
    if (isEngineError(error, "not-found")) return false;
    throw error;
  }
}

async function write(stateFolder: string, { last, gone }: RememberedSnapshots): Promise<void> {
  await writeStateFile(fileIn(stateFolder), {
    last: last && { id: last.id, made_at: last.madeAt },
    gone: gone && { id: gone.id, made_at: gone.madeAt, noticed_at: gone.noticedAt },
  });
}

function fileIn(stateFolder: string): string {
  return path.join(stateFolder, "last-snapshot.json");
}

function parse(value: unknown): RememberedSnapshots | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { last, gone } = value as Record<string, unknown>;
  const made = madeSnapshot(gone);
  const { noticed_at: noticedAt } = Object(gone) as Record<string, unknown>;
  return {
    last: madeSnapshot(last),
    gone: made === undefined || typeof noticedAt !== "string" ? undefined : { ...made, noticedAt },
  };
}

function madeSnapshot(value: unknown): MadeSnapshot | undefined {
  const { id, made_at: madeAt } = Object(value) as Record<string, unknown>;
  if (typeof id !== "string" || !/^[0-9a-f]{64}$/.test(id) || typeof madeAt !== "string") return undefined;
  return { id, madeAt };
}
