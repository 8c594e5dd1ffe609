import type { CutFinder } from "../chunk/cut-finder.ts";
import type { Primitives } from "../crypto/primitives.ts";
import { isEngineError } from "../errors/engine-error.ts";
import { invariant } from "../errors/invariant.ts";
import { PackBuilder } from "../pack/pack-builder.ts";
import { memoryDraft, type OpenFileDraft } from "../pack/pack-draft.ts";
import { type StorablePack, storablePack } from "../pack/storable-pack.ts";
import { changeWhileReading, type FileReader } from "../source/file-reader.ts";
import {
  type BackupLaneSettings,
  type FileRemark,
  type FileToRead,
  type FoundCuts,
  type HashedChunks,
  type HashedFiles,
  type PackedChunks,
  slotBytes,
  slotsPerLane,
} from "./lane.ts";

const idBytes = 32;

/** How far `findCuts` reads ahead: enough work for the other lanes, little enough to be still in the system's cache when it is read again. */
const lookAheadBytes = 32 * 1024 * 1024;

/** For the header of a pack of some ten thousand blobs; one of more grows. */
const headerRoomBytes = 1024 * 1024;

interface Chunk {
  readonly start: number;
  readonly end: number;
}

/** What a slot holds, and the 32-byte names of it. */
interface Slot {
  readonly chunks: readonly Chunk[];
  readonly ids: Uint8Array;
}

const emptySlot: Slot = { chunks: [], ids: new Uint8Array(0) };

export interface BackupLaneDeps {
  readonly primitives: Primitives;
  readonly reader: FileReader;
  readonly openCutFinder: (polynomial: bigint, capacityBytes: number) => CutFinder;
  readonly openFileDraft?: OpenFileDraft | undefined;
}

/**
 * The heavy half of a backup, for one thread: read, cut, hash; then, for what turned out to be new, compress, seal, pack. Its memory is two
 * slots and a place to search for cuts, 8 MiB each and used as far as needed, and one open pack, or of one in a file what is not yet written.
 */
export class BackupLane {
  readonly #deps: BackupLaneDeps;
  readonly #settings: BackupLaneSettings;
  readonly #finder: CutFinder;
  readonly #slots: Slot[] = [];
  /** Begun with the first chunk. */
  #open: PackBuilder | undefined;
  /** Memory of packs that are stored. */
  readonly #spare: Uint8Array[] = [];
  /** What packs in files grow by way of: a chunk may be waiting in it when the largest one comes. */
  #draftRoom: Uint8Array | undefined;

  constructor(deps: BackupLaneDeps, settings: BackupLaneSettings) {
    this.#deps = deps;
    this.#settings = settings;
    this.#finder = deps.openCutFinder(settings.polynomial, (slotsPerLane + 1) * slotBytes);
  }

  hashFiles(slot: number, files: readonly FileToRead[]): HashedFiles {
    const chunks: Chunk[] = [];
    const remarks = new Map<number, FileRemark>();
    let at = slot * slotBytes;
    const chunkCounts = files.map((file, number) => {
      const before = chunks.length;
      try {
        const read = this.#readWhole(file, this.#finder.buffer.subarray(at, (slot + 1) * slotBytes));
        if (read === "too-large") remarks.set(number, { kind: "too-large" });
        else {
          if (read.change) remarks.set(number, { kind: "changed", how: read.change });
          this.#cut(at, at + read.sizeBytes, chunks);
          at += read.sizeBytes;
        }
      } catch (error) {
        remarks.set(number, failureOf(error));
      }
      return chunks.length - before;
    });
    return { ...this.#hash(slot, chunks), chunkCounts, remarks };
  }

  findCuts(path: string, offset: number): FoundCuts {
    using file = this.#deps.reader.open(path);
    const start = slotsPerLane * slotBytes;
    const room = this.#finder.buffer.subarray(start, start + slotBytes);
    const lengths: number[] = [];
    let searched = 0;
    while (searched < lookAheadBytes) {
      const length = file.read(room, offset + searched);
      const isEnd = length < room.length;
      const cuts: Chunk[] = [];
      this.#cut(start, start + length, cuts);
      // The last chunk ends with what was read, not with the file, unless that is the end.
      if (!isEnd) cuts.pop();
      for (const cut of cuts) {
        lengths.push(cut.end - cut.start);
        searched += cut.end - cut.start;
      }
      if (isEnd) return { lengths, isEnd };
    }
    return { lengths, isEnd: false };
  }

  hashChunks(slot: number, path: string, offset: number, lengths: readonly number[]): HashedChunks {
    using file = this.#deps.reader.open(path);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const start = slot * slotBytes;
    const end = start + file.read(this.#finder.buffer.subarray(start, start + total), offset);
    const chunks: Chunk[] = [];
    let at = start;
    for (const length of lengths) {
      if (at >= end) break;
      chunks.push({ start: at, end: Math.min(at + length, end) });
      at += length;
    }
    return this.#hash(slot, chunks);
  }

  pack(slot: number, wanted: readonly number[]): PackedChunks {
    const { masterKey, compression, packSizeBytes } = this.#settings;
    const sealing = { primitives: this.#deps.primitives, masterKey, compression };
    const { chunks, ids } = this.#slots[slot] ?? emptySlot;
    const packs: StorablePack[] = [];
    const storedBytes = wanted.map((number) => {
      const chunk = chunks[number];
      invariant(chunk !== undefined, "a wanted chunk lies in its slot");
      const id = ids.subarray(number * idBytes, (number + 1) * idBytes);
      const open = (this.#open ??= this.#newPack());
      const stored = open.seal("data", id, this.#bytesOf(chunk), sealing);
      if (open.isFull(packSizeBytes)) packs.push(this.#finish(open));
      return stored;
    });
    return { storedBytes, packs };
  }

  giveBack(packBytes: Uint8Array): void {
    this.#spare.push(new Uint8Array(packBytes.buffer));
  }

  finishPack(): StorablePack | undefined {
    return this.#open && this.#finish(this.#open);
  }

  close(): void {
    this.#open?.discard();
  }

  #readWhole(file: FileToRead, room: Uint8Array): { sizeBytes: number; change: string | undefined } | "too-large" {
    using open = this.#deps.reader.open(file.path);
    // One byte more than it had: if it grew, that shows at once, and if it did not, this is the only read.
    let sizeBytes = 0;
    for (let wanted = file.size + 1; ; wanted = room.length) {
      const part = room.subarray(sizeBytes, Math.min(wanted, room.length));
      const length = open.read(part, sizeBytes);
      sizeBytes += length;
      if (length < part.length) break;
      if (sizeBytes === room.length) return "too-large";
    }
    return { sizeBytes, change: changeWhileReading(file, open.state(), sizeBytes) };
  }

  #cut(start: number, end: number, into: Chunk[]): void {
    for (let at = start; at < end;) {
      const cut = this.#finder.cut(at, end);
      into.push({ start: at, end: cut === -1 ? end : cut });
      at = cut === -1 ? end : cut;
    }
  }

  #hash(slot: number, chunks: Chunk[]): HashedChunks {
    const ids = new Uint8Array(chunks.length * idBytes);
    const hashes = this.#deps.primitives.sha256Many(chunks.map((chunk) => this.#bytesOf(chunk)));
    hashes.forEach((hash, number) => ids.set(hash, number * idBytes));
    this.#slots[slot] = { chunks, ids };
    return { ids, lengths: chunks.map(({ start, end }) => end - start) };
  }

  #bytesOf({ start, end }: Chunk): Uint8Array {
    return this.#finder.buffer.subarray(start, end);
  }

  #finish(open: PackBuilder): StorablePack {
    const pack = open.finish(this.#deps.primitives, this.#settings.masterKey);
    this.#open = undefined;
    return storablePack(pack);
  }

  #newPack(): PackBuilder {
    const { draftFolder, packSizeBytes } = this.#settings;
    if (draftFolder !== undefined && this.#deps.openFileDraft) {
      this.#draftRoom ??= new Uint8Array(2 * slotBytes);
      const draft = this.#deps.openFileDraft(draftFolder, this.#draftRoom);
      if (draft) return new PackBuilder(draft);
    }
    // Memory that nothing was written to takes no room yet: the pack may end with the largest chunk.
    return new PackBuilder(
      memoryDraft(this.#spare.pop() ?? new Uint8Array(packSizeBytes + slotBytes + headerRoomBytes)),
    );
  }
}

/** What is wrong with one file; anything else is thrown on. */
function failureOf(error: unknown): FileRemark {
  if (!isEngineError(error)) throw error;
  const { code, message, hint, systemCode } = error;
  if (code !== "source-unreadable" && code !== "not-found") throw error;
  return { kind: "failed", code, message, hint, systemCode };
}
