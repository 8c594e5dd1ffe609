import type { MasterKey } from "../crypto/master-key.ts";
import type { Compression } from "../crypto/primitives.ts";
import type { StorablePack } from "../pack/storable-pack.ts";
import type { PackToCheck } from "./sound-pack.ts";
import type { FileState } from "../source/file-reader.ts";

/**
 * One place where heavy work runs, one call after another: a worker thread, or this thread. What goes in and out can be posted to another
 * thread as it is. A lane has memory of its own, in a few slots: `hash…` leaves plain bytes in one, `pack` uses them up.
 */
export interface Lane {
  /** Comes first. Forgets what an earlier backup left. */
  openBackup(settings: BackupLaneSettings): Promise<void>;
  /** Reads whole files into a slot, cuts them into chunks, and names the chunks. */
  hashFiles(slot: number, files: readonly FileToRead[]): Promise<HashedFiles>;
  /** The lengths of the next chunks of a file from `offset` on, where a chunk begins: some `lookAheadBytes` of them. */
  findCuts(path: string, offset: number): Promise<FoundCuts>;
  /** Reads a run of a file's chunks, of these lengths, into a slot, and names them. A file that shrank meanwhile gives shorter or fewer ones. */
  hashChunks(slot: number, path: string, offset: number, lengths: readonly number[]): Promise<HashedChunks>;
  /** Seals those chunks of a slot, by number, into this lane's open pack. */
  pack(slot: number, wanted: readonly number[]): Promise<PackedChunks>;
  /** Takes back the bytes of a pack that is stored from memory, to fill them again: fresh memory would cost more. */
  giveBack(packBytes: Uint8Array): Promise<void>;
  /** Closes the open pack, if there is one. */
  finishPack(): Promise<StorablePack | undefined>;
  /** Comes first in a check. */
  openCheck(settings: CheckLaneSettings): Promise<void>;
  /** Whether a pack's name, its header and each of its blobs are right. It takes the memory that its bytes lie in, and reads a file by itself. */
  checkPack(pack: PackToCheck): Promise<boolean>;
  /** Gives the memory back once what was asked before is done. A later call begins anew. */
  close(): Promise<void>;
}

/** A lane's slots. With two, a lane hashes one batch while another waits for the word on which chunks are new. */
export const slotsPerLane = 2;
/** What a slot holds: the largest chunk and nothing else, or many small files. Memory is taken only as far as it is filled. */
export const slotBytes = 8 * 1024 * 1024 + 1;

export interface CheckLaneSettings {
  readonly masterKey: MasterKey;
  readonly version: 1 | 2;
}

export interface BackupLaneSettings {
  readonly masterKey: MasterKey;
  readonly polynomial: bigint;
  readonly compression: Compression;
  readonly packSizeBytes: number;
  /** Where packs may grow in unnamed files, if that can be done there; undefined: they grow in memory. */
  readonly draftFolder: string | undefined;
}

/** A file as the scan found it. */
export interface FileToRead extends FileState {
  readonly path: string;
}

export interface HashedChunks {
  /** 32 bytes each; the first begins where a 32-bit word may. */
  readonly ids: Uint8Array<ArrayBuffer>;
  readonly lengths: readonly number[];
}

/** The chunks of all files, one file after another in the order asked for. Columns and exceptions: most files have nothing to tell. */
export interface HashedFiles extends HashedChunks {
  readonly chunkCounts: readonly number[];
  /** By the number of the file. */
  readonly remarks: ReadonlyMap<number, FileRemark>;
}

export type FileRemark =
  /** It is read, and changed while it was. */
  | { readonly kind: "changed"; readonly how: string }
  /** It has grown, the slot can't hold it: it is to be read as a large file. */
  | { readonly kind: "too-large" }
  | {
      readonly kind: "failed";
      readonly code: "source-unreadable" | "not-found";
      readonly message: string;
      readonly hint: string | undefined;
      readonly systemCode: string | undefined;
    };

export interface FoundCuts {
  readonly lengths: readonly number[];
  /** The last of the lengths reaches the file's end. */
  readonly isEnd: boolean;
}

export interface PackedChunks {
  /** What each wanted chunk takes in its pack, in bytes. */
  readonly storedBytes: readonly number[];
  /** Those that became full meanwhile. */
  readonly packs: readonly StorablePack[];
}
