import type { Abortable } from "../flow/abortable.ts";
import type { UnnamedFile } from "../flow/unnamed-file.ts";
import type { ObjectId } from "../format/ids.ts";
import type { ObjectKind, ObjectName } from "../format/object-name.ts";
import type { Paced } from "./pace.ts";

/** Bytes `start` to `end` of an object, `end` not included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface StoredObject {
  readonly id: ObjectId;
  readonly sizeBytes: number;
}

export interface GetOptions extends Paced {
  readonly range?: ByteRange | undefined;
}

/** What a store on this machine's disk offers besides: large objects are read and written in pieces, and nobody has to hold one. */
export interface LocalFiles {
  /** Where an object lies, if there is one. */
  pathOf(name: ObjectName): string;
  /** Where unnamed files may be made that `put` takes. */
  readonly draftFolder: string;
  /** As the store's `put`, of what is in the file, which the caller still has to close. */
  put(name: ObjectName, file: UnnamedFile, options?: Abortable): Promise<void>;
  close(file: UnnamedFile): void;
}

/**
 * Where the objects of one repository live. Every implementation passes the promises of `platform/testing/object-store-suite.ts`.
 * All methods reject with an `EngineError`: `store-unavailable` when trying again may help, `store-denied`, `store-full`, or as said below.
 */
export interface ObjectStore {
  /** For messages: where this is, without any credential. */
  readonly label: string;
  /** More uploads than this at the same time only take memory. Left out: as many as fill a line. */
  readonly uploadsAtOnce?: number | undefined;
  /** Left out by stores elsewhere. */
  readonly localFiles?: LocalFiles | undefined;
  /** Makes the place ready for a new repository (folders, bucket prefix). Doing it twice is fine. */
  create(options?: Abortable): Promise<void>;
  /**
   * Stores all of `bytes` or nothing, durably: a reader never sees half an object. Storing the same bytes under the same name again is
   * fine. `config` is created exclusively: rejects with `already-exists` if there is another.
   * With a `pace` it sends in pieces, each when it may go; a store that can't do that need not ask.
   */
  put(name: ObjectName, bytes: Uint8Array, options?: Paced): Promise<void>;
  /** Rejects with `not-found` if there is no such object, with `corrupt-data` if it ends before `range` does: never a short read. The answer is the caller's. */
  get(name: ObjectName, options?: GetOptions): Promise<Uint8Array>;
  /** The size in bytes; rejects with `not-found` if there is no such object. */
  size(name: ObjectName, options?: Abortable): Promise<number>;
  /** In no order. Names that are not 64 hex digits are left out; a kind without a place yet is empty. */
  list(kind: ObjectKind, options?: Abortable): AsyncIterable<StoredObject>;
  /** Deleting what is not there is fine. */
  delete(name: ObjectName, options?: Abortable): Promise<void>;
}
