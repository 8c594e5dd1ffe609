import { closeSync } from "node:fs";
import type { TargetPath } from "../../target/file-target.ts";
import { requirePlainName } from "../../target/plain-name.ts";
import type { Descriptor } from "./posix-library.ts";
import { openDirectoryAt } from "./posix-write.ts";

/** A restore works in few directories at a time, and a process has at least some 256 descriptors. */
const openMax = 64;

/**
 * The directories of a target, opened name by name from the root without following links, and kept open while they are used: so most
 * entries cost one system call for the way to them. What is open stays what it was, whatever its path comes to mean.
 */
export class OpenDirectories {
  readonly #openRoot: () => Descriptor;
  /** By the names joined with `/`, the longest unused first. The root has the key "" and is never closed. */
  readonly #open = new Map<string, Descriptor>();
  /** What was asked for last, and mostly is again: then nothing is looked up. */
  #last:
    | { readonly path: TargetPath; readonly depth: number; readonly key: string; readonly descriptor: Descriptor }
    | undefined;

  constructor(openRoot: () => Descriptor) {
    this.#openRoot = openRoot;
  }

  /**
   * The directory at the first `depth` names of `path`. It stays open through one more call, so that two can be used together.
   * Throws system errors, and `target-unwritable` for a name that is no plain name.
   */
  at(path: TargetPath, depth = path.length): Descriptor {
    if (this.#last && isSamePlace(this.#last, path, depth)) return this.#last.descriptor;
    // Names with a slash in them would make one key of two places.
    for (let at = 0; at < depth; at += 1) requirePlainName(path, path[at] ?? "");
    const key = keyOf(path, depth);
    const descriptor = this.#walk(path, depth, key);
    this.#last = { path, depth, key, descriptor };
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

  #walk(path: TargetPath, depth: number, key: string): Descriptor {
    let known = depth;
    let descriptor = this.#find(key);
    while (descriptor === undefined && known > 0) {
      known -= 1;
      descriptor = this.#find(keyOf(path, known));
    }
    descriptor ??= this.#keep("", this.#openRoot());
    for (; known < depth; known += 1)
      descriptor = this.#keep(keyOf(path, known + 1), openDirectoryAt(descriptor, path[known] ?? ""));
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
        if (oldest === "" || oldest === key || oldest === this.#last?.key) continue;
        this.#close(oldest);
        break;
      }
    return descriptor;
  }

  #close(key: string): void {
    const descriptor = this.#open.get(key);
    this.#open.delete(key);
    if (this.#last?.key === key) this.#last = undefined;
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function isSamePlace(
  last: { readonly path: TargetPath; readonly depth: number },
  path: TargetPath,
  depth: number,
): boolean {
  if (last.depth !== depth) return false;
  // From the end: neighbours differ there first.
  for (let at = depth - 1; at >= 0; at -= 1) if (last.path[at] !== path[at]) return false;
  return true;
}

function keyOf(path: TargetPath, depth: number): string {
  return depth === path.length ? path.join("/") : path.slice(0, depth).join("/");
}
