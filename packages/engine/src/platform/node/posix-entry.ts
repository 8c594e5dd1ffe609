import { fchmodSync, fchownSync, fstatSync } from "node:fs";
import {
  listAttributesAt,
  listAttributesOf,
  removeAttributeAt,
  removeAttributeOf,
  setAttributeAt,
  setAttributeOf,
} from "./posix-attributes.ts";
import type { Descriptor } from "./posix-library.ts";
import { type EntryStat, statAt } from "./posix-stat.ts";
import { changeModeAt, changeOwnerAt, changeTimesAt, changeTimesOf } from "./posix-write.ts";

/** What an entry is now. */
export type EntryState = Pick<EntryStat, "mode" | "uid" | "gid">;

/** An entry whose metadata is set. Every call throws system errors, and none follows a link. */
export interface PosixEntry {
  stat(): EntryState;
  changeOwner(uid: number, gid: number): void;
  listAttributes(): readonly string[];
  setAttribute(name: string, value: Uint8Array): void;
  removeAttribute(name: string): void;
  changeTimes(atimeNs: bigint, mtimeNs: bigint): void;
  changeMode(mode: number): void;
}

/** The entry of an open directory that has this name. */
export class NamedEntry implements PosixEntry {
  readonly #directory: Descriptor;
  readonly #name: string;

  constructor(directory: Descriptor, name: string) {
    this.#directory = directory;
    this.#name = name;
  }

  stat(): EntryState {
    return statAt(this.#directory, this.#name);
  }

  changeOwner(uid: number, gid: number): void {
    changeOwnerAt(this.#directory, this.#name, uid, gid);
  }

  listAttributes(): readonly string[] {
    return listAttributesAt(this.#directory, this.#name);
  }

  setAttribute(name: string, value: Uint8Array): void {
    setAttributeAt(this.#directory, this.#name, name, value);
  }

  removeAttribute(name: string): void {
    removeAttributeAt(this.#directory, this.#name, name);
  }

  changeTimes(atimeNs: bigint, mtimeNs: bigint): void {
    changeTimesAt(this.#directory, this.#name, atimeNs, mtimeNs);
  }

  changeMode(mode: number): void {
    changeModeAt(this.#directory, this.#name, mode);
  }
}

/** The file that is open by this descriptor: half the cost of finding it by its name for each call. */
export class OpenEntry implements PosixEntry {
  readonly #descriptor: Descriptor;

  constructor(descriptor: Descriptor) {
    this.#descriptor = descriptor;
  }

  stat(): EntryState {
    return fstatSync(this.#descriptor);
  }

  changeOwner(uid: number, gid: number): void {
    fchownSync(this.#descriptor, uid, gid);
  }

  listAttributes(): readonly string[] {
    return listAttributesOf(this.#descriptor);
  }

  setAttribute(name: string, value: Uint8Array): void {
    setAttributeOf(this.#descriptor, name, value);
  }

  removeAttribute(name: string): void {
    removeAttributeOf(this.#descriptor, name);
  }

  changeTimes(atimeNs: bigint, mtimeNs: bigint): void {
    changeTimesOf(this.#descriptor, atimeNs, mtimeNs);
  }

  changeMode(mode: number): void {
    fchmodSync(this.#descriptor, mode);
  }
}
