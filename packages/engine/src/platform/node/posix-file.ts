import { close, closeSync, ftruncate, read, write, writeSync } from "node:fs";
import { promisify } from "node:util";
import type { TargetFile, TargetPath } from "../../target/file-target.ts";
import type { Descriptor } from "./posix-library.ts";
import { targetError } from "./target-error.ts";

/** Up to this a write goes into the system's memory faster than a thread of the pool wakes up. */
const writeAtOnceBytes = 64 * 1024;

/** A regular file of the target by its descriptor, which it owns. `path` is for messages. */
export class PosixFile implements TargetFile {
  readonly #descriptor: Descriptor;
  readonly #path: TargetPath;
  #largeWrites = false;
  #closed = false;

  constructor(descriptor: Descriptor, path: TargetPath) {
    this.#descriptor = descriptor;
    this.#path = path;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    try {
      let done = 0;
      while (done < bytes.length) done += await this.#writeSome(offset + done, bytes.subarray(done));
    } catch (error) {
      throw targetError("write to the file", this.#path, error);
    }
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    try {
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await readAsync(this.#descriptor, bytes, done, length - done, offset + done);
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
      await truncateAsync(this.#descriptor, size);
    } catch (error) {
      throw targetError("set the size of the file", this.#path, error);
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

  async #writeSome(offset: number, bytes: Uint8Array): Promise<number> {
    if (bytes.length <= writeAtOnceBytes) return writeSync(this.#descriptor, bytes, 0, bytes.length, offset);
    this.#largeWrites = true;
    return (await writeAsync(this.#descriptor, bytes, 0, bytes.length, offset)).bytesWritten;
  }
}

const readAsync = promisify(read);
const writeAsync = promisify(write);
const truncateAsync = promisify(ftruncate);
const closeAsync = promisify(close);
