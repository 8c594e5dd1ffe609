import { closeSync } from "node:fs";
import { mkdir, opendir, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EngineError, isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { mapConcurrent } from "../../flow/map-concurrent.ts";
import type { ObjectId } from "../../format/ids.ts";
import { type ObjectKind, type ObjectName, objectKinds } from "../../format/object-name.ts";
import { idFromFileName, layoutFolder, layoutPath, shardOf, shards } from "../../store/layout.ts";
import type { LocalFiles, ObjectStore, StoredObject } from "../../store/object-store.ts";
import type { Paced } from "../../store/pace.ts";
import { sameBytes } from "../../store/same-bytes.ts";
import { errnoOf, folderError, isMissing } from "./file-errors.ts";
import { readFileRange } from "./read-file-range.ts";
import { sharedFolderSync } from "./shared-folder-sync.ts";
import { nameDurably, syncFolder, writeDurably } from "./write-durably.ts";

/** POSIX permission bits of what a repository is made of. */
interface Modes {
  readonly folder: number;
  readonly fileWhileWritten: number;
  readonly file: number;
}

/** As restic: for the owner alone, or for the group too where the group may read the config. Finished files are read-only. */
const ownerModes: Modes = { folder: 0o700, fileWhileWritten: 0o600, file: 0o400 };
const groupModes: Modes = { folder: 0o770, fileWhileWritten: 0o660, file: 0o440 };
const groupMayRead = 0o040;

/** While one pack waits for the disk another is handed over: a disk is no line. */
const uploadsAtOnce = 2;

/** A listing needs each file's size; more at once than the kernel's own queues take is no faster. */
const sizesAtOnce = 16;

/**
 * A repository in a folder, as restic lays it out and makes it durable (restic design.rst, "Repository Layout"): stock restic works on
 * the same folder, even at the same time.
 */
export function folderStore(root: string): ObjectStore {
  const label = root;
  const pathOf = (name: ObjectName) => join(root, layoutPath(name));
  /** Ten thousand snapshots go with a few hundred syncs. */
  const syncAfterRemoval = sharedFolderSync();

  async function create({ signal }: Abortable = {}): Promise<void> {
    const action = `Creating a repository in ${label}`;
    await attempt(action, signal, async () => {
      const { folder } = await modes();
      await mkdir(root, { recursive: true, mode: folder });
      for (const kind of objectKinds) await mkdirIfMissing(join(root, kind), folder);
      for (const shard of shards) await mkdirIfMissing(join(root, "data", shard), folder);
      await syncFolder(join(root, "data"));
      await syncFolder(root);
    });
  }

  async function modes(): Promise<Modes> {
    const config = await stat(join(root, "config")).catch(() => undefined);
    return config !== undefined && (config.mode & groupMayRead) !== 0 ? groupModes : ownerModes;
  }

  async function put(name: ObjectName, bytes: Uint8Array, { signal, pace }: Paced = {}): Promise<void> {
    await place(name, signal, async ({ fileWhileWritten, file }) => {
      const exclusive = name === "config";
      try {
        const modeWhileWritten = fileWhileWritten;
        await writeDurably(pathOf(name), bytes, { modeWhileWritten, modeWhenDone: file, exclusive, signal, pace });
      } catch (error) {
        if (errnoOf(error) !== "EEXIST" || !exclusive) throw error;
        await acceptIfSame(bytes, signal);
      }
    });
  }

  const localFiles: LocalFiles = {
    pathOf,
    draftFolder: join(root, "data"),
    async put(name, unnamed, { signal } = {}) {
      await place(name, signal, async ({ fileWhileWritten, file }) => {
        await nameDurably(pathOf(name), unnamed, { modeWhileWritten: fileWhileWritten, modeWhenDone: file, signal });
      });
    },
    close: ({ descriptor }) => closeSync(descriptor),
  };

  /** Puts a file in its place, and makes the folders there if they are missing. */
  async function place(
    name: ObjectName,
    signal: AbortSignal | undefined,
    write: (modes: Modes) => Promise<void>,
  ): Promise<void> {
    await attempt(`Storing ${name} in ${label}`, signal, async () => {
      const current = await modes();
      try {
        await write(current);
      } catch (error) {
        if (!isMissing(error) || name === "config") throw error;
        await makeFoldersFor(name, current.folder);
        await write(current);
      }
    });
  }

  /** An init that is tried again after its answer was lost finds its own config. */
  async function acceptIfSame(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    if (sameBytes(await get("config", { signal }), bytes)) return;
    throw new EngineError("already-exists", `There is already a repository in ${label}`);
  }

  /** Never the root: on a disk that is not mounted it would be made in the folder below, and fill the wrong disk. */
  async function makeFoldersFor(name: ObjectName, mode: number): Promise<void> {
    const folder = dirname(pathOf(name));
    const parent = dirname(folder);
    if (parent !== root) {
      await mkdirIfMissing(parent, mode);
      await syncFolder(dirname(parent));
    }
    await mkdirIfMissing(folder, mode);
    await syncFolder(parent);
  }

  const get: ObjectStore["get"] = async (name, { range, ...paced } = {}) =>
    await attempt(`Reading ${name} in ${label}`, paced.signal, () =>
      readFileRange(pathOf(name), range, `${name} in ${label}`, paced),
    );

  async function size(name: ObjectName, { signal }: Abortable = {}): Promise<number> {
    return await attempt(`Looking for ${name} in ${label}`, signal, async () => {
      const found = await stat(pathOf(name));
      if (!found.isFile()) throw new EngineError("corrupt-data", `${name} in ${label} is not a file`);
      return found.size;
    });
  }

  async function* list(kind: ObjectKind, { signal }: Abortable = {}): AsyncGenerator<StoredObject> {
    const sized = mapConcurrent(ids(kind, signal), sizesAtOnce, (id) => sizeOf(kind, id, signal));
    for await (const object of sized) if (object !== undefined) yield object;
  }

  async function* ids(kind: ObjectKind, signal: AbortSignal | undefined): AsyncGenerator<ObjectId> {
    if (kind === "data") {
      for (const shard of shards) {
        // A pack in another's folder would not be found by its name either.
        for await (const id of idsIn(`data/${shard}`, signal)) if (shardOf(id) === shard) yield id;
      }
    } else {
      yield* idsIn(kind, signal);
    }
  }

  async function* idsIn(folder: string, signal: AbortSignal | undefined): AsyncGenerator<ObjectId> {
    const action = `Listing ${folder} in ${label}`;
    try {
      for await (const entry of await opendir(join(root, folder))) {
        signal?.throwIfAborted();
        const id = idFromFileName(entry.name);
        if (id !== undefined) yield id;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!isMissing(error)) throw folderError(error, action);
    }
  }

  /** Undefined if it has gone since it was listed, or is no file. */
  async function sizeOf(
    kind: ObjectKind,
    id: ObjectId,
    signal: AbortSignal | undefined,
  ): Promise<StoredObject | undefined> {
    try {
      const found = await attempt(`Listing ${kind} in ${label}`, signal, () =>
        stat(join(root, layoutFolder(kind, id), id)),
      );
      return found.isFile() ? { id, sizeBytes: found.size } : undefined;
    } catch (error) {
      if (isEngineError(error, "not-found")) return undefined;
      throw error;
    }
  }

  async function remove(name: ObjectName, { signal }: Abortable = {}): Promise<void> {
    await attempt(`Deleting ${name} in ${label}`, signal, async () => {
      try {
        await unlink(pathOf(name));
      } catch (error) {
        if (isMissing(error)) return;
        throw error;
      }
      // An index must be gone for good before the packs that it names go: prune deletes them after it. Packs and locks may come back.
      if (!name.startsWith("data/") && !name.startsWith("locks/")) await syncAfterRemoval(dirname(pathOf(name)));
    });
  }

  return { label, uploadsAtOnce, localFiles, create, put, get, size, list, delete: remove };
}

/** Runs a call, and turns the system's errors into ours. */
async function attempt<Result>(
  action: string,
  signal: AbortSignal | undefined,
  call: () => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  try {
    return await call();
  } catch (error) {
    signal?.throwIfAborted();
    throw folderError(error, action);
  }
}

async function mkdirIfMissing(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}
