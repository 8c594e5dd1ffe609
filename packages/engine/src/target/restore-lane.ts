import type { BlobId } from "../format/ids.ts";
import type { EngineErrorCode } from "../errors/engine-error.ts";
import type { TargetPath } from "./file-target.ts";

/**
 * One place where blobs are opened and written into files, one task after another: a worker thread, or this thread (`task-writer.ts`). What goes
 * in and out can be posted to another thread as it is.
 */
export interface RestoreLane extends AsyncDisposable {
  /** Does all of the task that can be done. Rejects only for what ends the restore, such as a bug or a lost thread. */
  write(task: LaneTask): Promise<LaneAnswer>;
}

/**
 * Gives the plaintext of a sealed blob, checked against its id; throws `corrupt-data`. The bytes are the opener's: they stay what they are only until
 * its next call.
 */
export type BlobOpener = (sealed: Uint8Array, uncompressedLength: number, id: BlobId) => Uint8Array;

/** A run of a pack's bytes, and what is to be written of it. All numbers are bytes, or count from 0 within the task. */
export interface LaneTask {
  /** The lane's to keep. */
  readonly bytes: Uint8Array;
  readonly blobs: TaskBlobs;
  readonly parts: TaskParts;
  readonly files: TaskFiles;
}

/** The blobs in a task's bytes. A column each; blob by blob. */
export interface TaskBlobs {
  readonly starts: Uint32Array;
  /** Of the sealed blobs. */
  readonly lengths: Uint32Array;
  /** 0: not compressed. */
  readonly uncompressedLengths: Uint32Array;
  /** 32 bytes each. */
  readonly ids: Uint8Array;
}

/** Where the blobs go, in the order of the blobs; one may go to several places. */
export interface TaskParts {
  readonly blobs: Uint32Array;
  readonly files: Uint32Array;
  /** Where in its file the part begins. */
  readonly offsets: Float64Array;
}

/** The files that the parts belong to. */
export interface TaskFiles {
  readonly directories: readonly TargetPath[];
  /** By file, which of the directories it is in. */
  readonly directoryOf: Uint32Array;
  readonly names: readonly string[];
  readonly sizes: Float64Array;
  /** Sums of `fileFlags`. */
  readonly flags: Uint8Array;
  /** What is set on a file that is finished by the lane: Go's mode bits, owner, nanoseconds since 1970. */
  readonly modes: Uint32Array;
  readonly uids: Uint32Array;
  readonly gids: Uint32Array;
  readonly atimesNs: BigInt64Array;
  readonly mtimesNs: BigInt64Array;
}

export const fileFlags = {
  /** All its parts are in this task, and nothing is in its place: the lane makes it. Without this, the file is there, in its full size. */
  isWhole: 1,
  /** The lane sets its metadata. Only with `isWhole`. */
  isFinished: 2,
  /** Blocks of zeros are left out. */
  hasHoles: 4,
} as const;

export interface LaneAnswer {
  /** Blobs that could not be opened. Nothing of them is written, and no file that wants one is finished. */
  readonly damagedBlobs: readonly number[];
  /** Files that were given up, each once. */
  readonly failures: readonly LaneFailure[];
  /** What could not be set on a file. */
  readonly warnings: readonly { readonly file: number; readonly message: string }[];
}

/** An `EngineError` in the form in which it survives being posted. */
export interface LaneFailure {
  readonly file: number;
  readonly code: EngineErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}
