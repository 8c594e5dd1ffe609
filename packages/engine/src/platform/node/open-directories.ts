import { closeSync } from "node:fs";
import { encodeName } from "../../format/names.ts";
import type { TargetPath } from "../../target/file-target.ts";
import type { Descriptor } from "./posix-library.ts";
import { openDirectory, openDirectoryAt } from "./posix-write.ts";

/** A restore works in few directories at a time, and a process has at least some 256 descriptors. */
const openMax = 64;

/**
 * The directories of a target, opened name by name from the root without following links, and kept open while they are used: so most
 * entries cost one system call for the way to them. What is open stays what it was, whatever its path comes to mean.
 */
export class OpenDirectories {
  readonly #rootPath: string;
  /** By the names joined with `/`, the longest unused first. The root has the key "" and is never closed. */
  readonly #open = new Map<string, Descriptor>();
  /** The key that was asked for last. */
  #previous = "";

  /** `rootPath` is an escaped string. */
  constructor(rootPath: string) {
    this.#rootPath = rootPath;
  }

  /**
   * The directory at the first `depth` names of `path`. It stays open through one more call, so that two can be used together.
   * The names must be plain. Throws system errors.
   */
  at(path: TargetPath, depth = path.length): Descriptor {
    const descriptor = this.#walk(path, depth);
    this.#previous = keyOf(path, depth);
    return descriptor;
  }

  /** Must be called for a directory that is removed: another may be made in its place. */
  forget(path: TargetPath): void {
    const key = keyOf(path, path.length);
    for (const open of this.#open.keys()) if (open === key || open.startsWith(`${key}/`)) this.#close(open);
  }

  /** Closes all; the next use opens again. */
  close(): void {
    for (const key of this.#open.keys()) this.#close(key);
  }

  #walk(path: TargetPath, depth: number): Descriptor {
    let known = depth;
    let descriptor = this.#find(keyOf(path, known));
    while (descriptor === undefined && known > 0) {
      known -= 1;
      descriptor = this.#find(keyOf(path, known));
    }
    descriptor ??= this.#keep("", openDirectory(encodeName(this.#rootPath)));
    for (; known < depth; known += 1)
      descriptor = this.#keep(keyOf(path, known + 1), openDirectoryAt(descriptor, encodeName(path[known] ?? "")));
    return descriptor;
  }

  #find(key: string): Descriptor | undefined {
    const descriptor = this.#open.get(key);
    if (descriptor !== undefined) {
      this.#open.delete(key);
      this.#open.set(key, descriptor);
    }
    return descriptor;
  }

  #keep(key: string, descriptor: Descriptor): Descriptor {
    this.#open.set(key, descriptor);
    if (this.#open.size > openMax)
      for (const oldest of this.#open.keys()) {
        if (oldest === "" || oldest === key || oldest === this.#previous) continue;
        this.#close(oldest);
        break;
      }
    return descriptor;
  }

  #close(key: string): void {
    const descriptor = this.#open.get(key);
    this.#open.delete(key);
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function keyOf(path: TargetPath, depth: number): string {
  return depth === path.length ? path.join("/") : path.slice(0, depth).join("/");
}
