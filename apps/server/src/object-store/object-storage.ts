import type { Readable } from "node:stream";
import type { HashedKind, HashedName, ObjectName } from "./object-name.ts";

/** What a reader asks for: bytes `start` to `end` (not included; absent: to the object's end), or the last bytes. */
export type RangeRequest =
  | { readonly start: number; readonly end?: number | undefined }
  | { readonly lastBytes: number };

/** Bytes `start` to `end` of an object, `end` not included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface ObjectFacts {
  readonly sizeBytes: number;
  /** When the storage got it, by the server's or the bucket's clock. */
  readonly storedAt: Date;
}

export interface ListedObject extends ObjectFacts {
  readonly name: string;
}

/** `sizeBytes` is the whole object's, whatever the range. */
export interface OpenedObject extends ObjectFacts {
  /** What `stream` carries. */
  readonly range: ByteRange;
  /** The caller reads it to its end or destroys it. It fails rather than end short. */
  readonly stream: Readable;
}

export interface UploadTerms {
  /** The body has exactly this length, or nothing is kept. */
  readonly sizeBytes: number;
  /** The body's SHA-256 in lower-case hex, or nothing is kept. Absent for `config`, which is not named by its hash. */
  readonly sha256?: string | undefined;
  /** May be called with each chunk of the body once it is written: the caller can use its memory again. */
  readonly onWritten?: ((chunk: Uint8Array) => void) | undefined;
}

export interface UploadResult {
  /**
   * `exists`: there was an object of that name already, or another upload was faster; it was left as it is. Writing a hashed object again
   * writes the same bytes, which a bucket may do and call `stored`. Of two configs at the same instant, a bucket may take both, one after
   * the other: who can't have that sends one at a time.
   */
  readonly outcome: "stored" | "exists";
  /** Of the body. */
  readonly sha256: string;
}

/**
 * Where the server keeps the objects of all repositories. Objects are streamed: an upload or a read holds a few hundred KiB, however
 * big the object. Every method rejects with an `ObjectStorageError`; every implementation passes `testing/object-storage-suite.ts`.
 */
export interface ObjectStorage {
  /** For messages: where this is, without any credential. */
  readonly label: string;
  /** Makes the place ready for a new repository. Doing it twice is fine. */
  createRepository(repositoryId: string): Promise<void>;
  /**
   * Stores all of `body` or nothing, durably, and never over another object. The hash and the length are checked before the object can
   * be seen. If `body` fails, the error is passed on as it is.
   */
  put(
    repositoryId: string,
    object: ObjectName,
    body: AsyncIterable<Uint8Array>,
    terms: UploadTerms,
  ): Promise<UploadResult>;
  /** Rejects with `not-found`, or with `bad-range` if the range starts beyond the object's end. */
  get(repositoryId: string, object: ObjectName, range?: RangeRequest): Promise<OpenedObject>;
  /** Rejects with `not-found`. */
  stat(repositoryId: string, object: ObjectName): Promise<ObjectFacts>;
  /**
   * Every object of one kind, in no order, in batches. It rejects when it can't see them all: a short list would make a prune delete
   * what is still needed. A repository that is not there at all is `not-found`, never empty, where the storage can tell.
   */
  list(repositoryId: string, kind: HashedKind): AsyncIterable<readonly ListedObject[]>;
  /** Deleting what is not there is fine. */
  delete(repositoryId: string, object: ObjectName): Promise<void>;
  /**
   * Moves an object out of the repository into its quarantine, durably: no read or list finds it any more. Resolves with what quarantine
   * has of it then, also if it was moved before; with nothing if it is in neither. The size is checked before the object goes.
   */
  quarantine(repositoryId: string, object: HashedName): Promise<ObjectFacts | undefined>;
  /**
   * Moves an object back, durably. One that was stored again meanwhile stays, and quarantine's is dropped. Resolves with what the
   * repository has of it then; with nothing if it is in neither.
   */
  bringBack(repositoryId: string, object: HashedName): Promise<ObjectFacts | undefined>;
  /** Deletes an object from quarantine for good. What is not there is fine. */
  purge(repositoryId: string, object: HashedName): Promise<void>;
  /** Every object of one kind in quarantine, in no order, in batches. There are none where nothing was ever moved. */
  listQuarantine(repositoryId: string, kind: HashedKind): AsyncIterable<readonly ListedObject[]>;
  /** Removes what uploads left behind that were cut off by a crash before `before`. Returns how many. */
  removeAbandonedUploads(repositoryId: string, before: Date): Promise<number>;
  /** Rejects unless objects can be read and written now. */
  health(): Promise<void>;
}
