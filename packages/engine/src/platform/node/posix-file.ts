import { close, closeSync, ftruncate, ftruncateSync, read, readSync, write, writeSync } from "node:fs";
import { promisify } from "node:util";
import { EngineError } from "../../errors/engine-error.ts";
import type { EntryMetadata, MetadataOptions, TargetFile, TargetPath } from "../../target/file-target.ts";
import { showPath } from "../../target/show-path.ts";
import { OpenEntry } from "./posix-entry.ts";
import type { Descriptor } from "./posix-library.ts";
import { setPosixMetadata } from "./posix-metadata.ts";
import { settingWarning, targetError } from "./target-error.ts";

/** Up to this a write goes into the system's memory faster than a thread of the pool wakes up. */
export const writeAtOnceBytes = 64 * 1024;

export interface PosixFileOptions {
  /** This thread has nothing else to do, and may wait for the disk. */
  readonly mayWait: boolean;
}

/** A regular file of the target by its descriptor, which it owns. `path` is for messages. */
export class PosixFile implements TargetFile {
  readonly #descriptor: Descriptor;
  readonly #path: TargetPath;
  readonly #mayWait: boolean;
  #largeWrites = false;
  #closed = false;

  constructor(descriptor: Descriptor, path: TargetPath, { mayWait }: PosixFileOptions) {
    this.#descriptor = descriptor;
    this.#path = path;
    this.#mayWait = mayWait;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    try {
      let done = 0;
      while (done < bytes.length)
        done +=
          this.#mayWait || bytes.length - done <= writeAtOnceBytes
            ? writeSync(this.#descriptor, bytes, done, bytes.length - done, offset + done)
            : await this.#writeMuch(bytes, done, offset + done);
    } catch (error) {
      throw targetError("write to the file", this.#path, error);
    }
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    try {
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const bytesRead = this.#mayWait
          ? readSync(this.#descriptor, bytes, done, length - done, offset + done)
          : (await readAsync(this.#descriptor, bytes, done, length - done, offset + done)).bytesRead;
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return bytes.subarray(0, done);
    } catch (error) {
      throw targetError("read the file", this.#path, error);
    }
  }

  async truncate(size: number): Promise<void> {
    try {
      if (this.#mayWait) ftruncateSync(this.#descriptor, size);
      else await truncateAsync(this.#descriptor, size);
    } catch (error) {
      throw targetError("set the size of the file", this.#path, error);
    }
  }

  async setMetadata(metadata: EntryMetadata, options: MetadataOptions): Promise<void> {
    try {
      setFileMetadata(this.#descriptor, this.#path, metadata, options);
    } catch (error) {
      throw targetError("set the metadata of", this.#path, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      // Closing may have to write first, on a network's file system.
      if (this.#largeWrites) await closeAsync(this.#descriptor);
      else closeSync(this.#descriptor);
    } catch (error) {
      throw targetError("finish the file", this.#path, error);
    }
  }

  async #writeMuch(bytes: Uint8Array, from: number, offset: number): Promise<number> {
    this.#largeWrites = true;
    return (await writeAsync(this.#descriptor, bytes, from, bytes.length - from, offset)).bytesWritten;
  }
}

/** Sets the metadata of the regular file that is open. Throws system errors, and `target-unwritable` for metadata of anything else. */
export function setFileMetadata(
  descriptor: Descriptor,
  path: TargetPath,
  metadata: EntryMetadata,
  { ownershipByName, onWarning }: MetadataOptions,
): void {
  if (metadata.type !== "file")
    throw new EngineError("target-unwritable", `${showPath(path)} should be a ${metadata.type}, but is a file`);
  const entry = new OpenEntry(descriptor);
  setPosixMetadata(entry, entry.stat(), metadata, {
    ownershipByName,
    onWarning: (doing, error) => onWarning(path, settingWarning(doing, error)),
  });
}

const readAsync = promisify(read);
const writeAsync = promisify(write);
const truncateAsync = promisify(ftruncate);
const closeAsync = promisify(close);
