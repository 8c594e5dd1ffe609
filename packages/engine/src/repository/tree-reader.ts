import { plainBytesOf } from "../blob/plain-bytes.ts";
import { openBlob } from "../blob/seal-blob.ts";
import { isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import type { BlobLocation } from "../format/blob.ts";
import type { BlobId, ObjectId } from "../format/ids.ts";
import type { TreeRoom } from "../format/tree-room.ts";
import { objectName } from "../format/object-name.ts";
import { isOversized, loadBlob } from "./load-blob.ts";
import type { Repository } from "./repository.ts";

/** Some hundred trees: fetching them together costs little more than fetching one. */
const windowBytes = 512 * 1024;
/** Of them, what lies before the tree that is asked for: those of the first folders in it, which are asked for next. */
const windowBytesBefore = windowBytes / 4;

/** A walk goes on in a few places at a time: where it is, and behind the folders that it is in. */
const windowsMax = 6;

interface Window {
  readonly pack: ObjectId;
  readonly start: number;
  readonly end: number;
  readonly bytes: Promise<Uint8Array>;
}

/**
 * Reads trees, which a walk asks for in much the same order as they lie in their packs: what surrounds one is fetched with it and kept, 3 MB at
 * most. The first tree of a pack is fetched alone, for it may be the only one that is wanted.
 */
export class TreeReader {
  readonly #repository: Repository;
  /** The last used at the end. */
  readonly #windows: Window[] = [];
  readonly #packSizes = new Map<ObjectId, Promise<number> | undefined>();

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** The plaintext of a tree, checked against its id; in the room, if it is given and that is possible. Rejects as `loadBlob` does. */
  async read(id: BlobId, { room, ...options }: Abortable & { readonly room?: TreeRoom } = {}): Promise<Uint8Array> {
    const handle = { type: "tree", id } as const;
    const [location] = this.#repository.index.find(handle);
    if (location && !isOversized(location) && location.length <= windowBytes / 2) {
      try {
        const sealed = await this.#sealed(location, options);
        if (sealed) return this.#open(location, sealed, room);
      } catch (error) {
        if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
      }
    }
    // Large, first of its pack, or damaged: then once more by itself, and then from where else it is.
    return await loadBlob(this.#repository, handle, options);
  }

  #open(location: BlobLocation, sealed: Uint8Array, room: TreeRoom | undefined): Uint8Array {
    const { masterKey, compute } = this.#repository;
    const { id, uncompressedLength } = location;
    // Not through `compute`: for a few kilobytes the way to another thread costs more than the work.
    return openBlob(
      compute.primitives,
      masterKey,
      { sealed, uncompressedLength },
      id,
      room?.plain(plainBytesOf(location)),
    );
  }

  /** Undefined if nothing else of the pack was asked for yet. */
  async #sealed(location: BlobLocation, options: Abortable): Promise<Uint8Array | undefined> {
    let window = this.#findWindow(location);
    if (!window) {
      const packSizeBytes = await this.#packSize(location.pack, options);
      if (packSizeBytes === undefined || location.offset + location.length > packSizeBytes) return undefined;
      // Another may have opened it meanwhile.
      window = this.#findWindow(location) ?? this.#openWindow(location, packSizeBytes, options);
    }
    const start = location.offset - window.start;
    return (await window.bytes).subarray(start, start + location.length);
  }

  #findWindow({ pack, offset, length }: BlobLocation): Window | undefined {
    const at = this.#windows.findLastIndex(
      (window) => window.pack === pack && window.start <= offset && offset + length <= window.end,
    );
    if (at !== -1) this.#windows.push(...this.#windows.splice(at, 1));
    return at === -1 ? undefined : this.#windows.at(-1);
  }

  #openWindow({ pack, offset }: BlobLocation, packSizeBytes: number, options: Abortable): Window {
    const start = Math.max(offset - windowBytesBefore, 0);
    const end = Math.min(start + windowBytes, packSizeBytes);
    const bytes = this.#repository.store.get(objectName("data", pack), { ...options, range: { start, end } });
    const window = { pack, start, end, bytes };
    this.#windows.push(window);
    if (this.#windows.length > windowsMax) this.#windows.shift();
    // What failed must not be found by the next one, whose signal may be another.
    bytes.catch(() => {
      const at = this.#windows.indexOf(window);
      if (at !== -1) this.#windows.splice(at, 1);
    });
    return window;
  }

  /** Undefined the first time that somebody asks. */
  async #packSize(pack: ObjectId, options: Abortable): Promise<number | undefined> {
    const isFirst = !this.#packSizes.has(pack);
    if (isFirst) {
      this.#packSizes.set(pack, undefined);
      return undefined;
    }
    const asked = this.#packSizes.get(pack) ?? this.#repository.store.size(objectName("data", pack), options);
    this.#packSizes.set(pack, asked);
    try {
      return await asked;
    } catch (error) {
      this.#packSizes.set(pack, undefined);
      throw error;
    }
  }
}
