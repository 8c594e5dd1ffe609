import { invariant } from "../errors/invariant.ts";
import { type BlobId, blobIdFromBytes, type ObjectId } from "../format/ids.ts";
import { GrowingIds } from "./growing-ids.ts";
import type { TargetPath } from "./file-target.ts";

/** What is to be done with one entry of a directory. Kept as one byte. */
export const entryPlan = {
  /** Nothing: not selected, left alone, or failed. */
  leave: 0,
  /** Set its metadata; whatever else it needs has been done. */
  metadata: 1,
  /** Create it (a link, device or fifo), then set its metadata. */
  create: 2,
  /** Link it to the file of the same inode that came first, then set its metadata. */
  hardLink: 3,
} as const;

export type EntryPlan = (typeof entryPlan)[keyof typeof entryPlan];

/** How a file's content gets into place. */
export type FileState =
  /** Nothing is there. */
  | "new"
  /** A link, device or such is in its place, and goes when the file is created. */
  | "replace"
  /** A regular file is there, whose right parts stay. */
  | "update"
  /** It is there and being written. */
  | "open"
  /** It is complete. */
  | "done"
  /** It was there, and right. */
  | "unchanged"
  /** It can't be restored wholly; said already. */
  | "failed";

/** A file of the plan, by its number. */
export type FileNumber = number;
/** A directory of the plan, by its number; 0 is the root, and parents have lower numbers than what is in them. */
export type DirectoryNumber = number;
/** One use of a blob as a part of a file, by its number. */
export type PartNumber = number;

/** Has to be read from the repository no more: it is in place, or its file has failed. */
const noPack = -1;

/**
 * What a restore is going to do: small enough for millions of files, where their nodes would not be. Measured on Node 26: a file of one
 * part costs 190 bytes with its name, so a million files 190 MB; each further part costs 56 and a directory some 250 bytes. Links, devices and
 * such cost one byte each, and are read from their tree again when their turn comes.
 */
export class RestorePlan {
  readonly #directoryNames: string[] = [];
  readonly #directoryParents: DirectoryNumber[] = [];
  readonly #trees: (BlobId | undefined)[] = [];
  readonly #entries: Uint8Array[] = [];

  readonly #fileNames: string[] = [];
  readonly #fileDirectories: DirectoryNumber[] = [];
  /** Where the file's node is in its tree. */
  readonly #filePositions: number[] = [];
  readonly #fileSizes: number[] = [];
  readonly #fileStates: FileState[] = [];
  /** The number of the file's first part; its last is before the next file's first. */
  readonly #firstParts: PartNumber[] = [];

  readonly #partIds = new GrowingIds();
  readonly #partFiles: FileNumber[] = [];
  readonly #partOffsets: number[] = [];
  readonly #partPacks: number[] = [];

  readonly #packs: ObjectId[] = [];
  readonly #packNumbers = new Map<ObjectId, number>();

  /** The first file of each inode that has several links, by `inodeKey`. */
  readonly firstLinks = new Map<string, FileNumber>();

  /** Whether the snapshot's names can be trusted to tell what does not belong to it. */
  isDeletingSafe = true;

  /** `tree` is undefined if it can't be read: then nothing in the directory is known, and nothing is deleted there. */
  addDirectory(parent: DirectoryNumber, name: string, tree: BlobId | undefined, entryCount: number): DirectoryNumber {
    this.#directoryNames.push(name);
    this.#directoryParents.push(parent);
    this.#trees.push(tree);
    this.#entries.push(new Uint8Array(entryCount));
    return this.#directoryNames.length - 1;
  }

  /** Its parts follow by `addPart`, in order. `position` is the file's in its directory's tree. */
  addFile(directory: DirectoryNumber, position: number, name: string, state: FileState): FileNumber {
    this.#fileNames.push(name);
    this.#fileDirectories.push(directory);
    this.#filePositions.push(position);
    this.#fileSizes.push(0);
    this.#fileStates.push(state);
    this.#firstParts.push(this.#partFiles.length);
    return this.#fileNames.length - 1;
  }

  /** Adds `bytes` from the blob to the end of the file that was added last. */
  addPart(id: BlobId, pack: ObjectId, bytes: number): void {
    const file = this.fileCount - 1;
    invariant(file >= 0, "a part belongs to a file");
    let packNumber = this.#packNumbers.get(pack);
    if (packNumber === undefined) {
      packNumber = this.#packs.push(pack) - 1;
      this.#packNumbers.set(pack, packNumber);
    }
    this.#partIds.push(id);
    this.#partFiles.push(file);
    this.#partOffsets.push(this.fileSize(file));
    this.#partPacks.push(packNumber);
    this.#fileSizes[file] = this.fileSize(file) + bytes;
  }

  get directoryCount(): number {
    return this.#directoryNames.length;
  }

  get fileCount(): number {
    return this.#fileNames.length;
  }

  directoryPath(directory: DirectoryNumber): TargetPath {
    const names: string[] = [];
    for (let at = directory; at !== 0; at = get(this.#directoryParents, at)) names.push(get(this.#directoryNames, at));
    return names.reverse();
  }

  tree(directory: DirectoryNumber): BlobId | undefined {
    return this.#trees[directory];
  }

  entry(directory: DirectoryNumber, position: number): EntryPlan {
    return (this.#entries[directory]?.[position] ?? entryPlan.leave) as EntryPlan;
  }

  setEntry(directory: DirectoryNumber, position: number, plan: EntryPlan): void {
    get(this.#entries, directory)[position] = plan;
  }

  filePath(file: FileNumber): TargetPath {
    return [...this.directoryPath(get(this.#fileDirectories, file)), get(this.#fileNames, file)];
  }

  /** In bytes: the sum of its parts. */
  fileSize(file: FileNumber): number {
    return get(this.#fileSizes, file);
  }

  fileState(file: FileNumber): FileState {
    return get(this.#fileStates, file);
  }

  setFileState(file: FileNumber, state: FileState): void {
    this.#fileStates[file] = state;
  }

  /** A file that is not whole gets no metadata either: it must not pass for the right one by its size and time. */
  failFile(file: FileNumber): void {
    this.setFileState(file, "failed");
    this.setEntry(get(this.#fileDirectories, file), get(this.#filePositions, file), entryPlan.leave);
    for (const part of this.partsOf(file)) this.#partPacks[part] = noPack;
  }

  /** The file's parts, in order. */
  *partsOf(file: FileNumber): Generator<PartNumber, void, undefined> {
    const end = this.#firstParts[file + 1] ?? this.#partFiles.length;
    for (let part = get(this.#firstParts, file); part < end; part += 1) yield part;
  }

  partId(part: PartNumber): BlobId {
    return blobIdFromBytes(this.#partIds.at(part));
  }

  partFile(part: PartNumber): FileNumber {
    return get(this.#partFiles, part);
  }

  /** Where in its file the part begins. */
  partOffset(part: PartNumber): number {
    return get(this.#partOffsets, part);
  }

  partLength(part: PartNumber): number {
    const file = this.partFile(part);
    const isLast = part + 1 >= this.#partFiles.length || this.partFile(part + 1) !== file;
    return (isLast ? this.fileSize(file) : this.partOffset(part + 1)) - this.partOffset(part);
  }

  /** The part is in place already. */
  markPresent(part: PartNumber): void {
    this.#partPacks[part] = noPack;
  }

  isMissing(part: PartNumber): boolean {
    return get(this.#partPacks, part) !== noPack;
  }

  /** The packs that missing parts come from, in the order of their first use, each with those parts. */
  *missingByPack(): Generator<{ pack: ObjectId; parts: PartNumber[] }, void, undefined> {
    // Counted and placed, so that millions of parts need one array and no object each.
    const starts = new Uint32Array(this.#packs.length + 1);
    for (const pack of this.#partPacks) if (pack !== noPack) starts[pack + 1] = (starts[pack + 1] ?? 0) + 1;
    for (let pack = 0; pack < this.#packs.length; pack += 1)
      starts[pack + 1] = (starts[pack + 1] ?? 0) + (starts[pack] ?? 0);
    const sorted = new Uint32Array(starts.at(-1) ?? 0);
    const next = starts.slice();
    for (const [part, pack] of this.#partPacks.entries()) {
      if (pack === noPack) continue;
      const at = next[pack] ?? 0;
      sorted[at] = part;
      next[pack] = at + 1;
    }
    for (const [number, pack] of this.#packs.entries()) {
      const parts = [...sorted.subarray(starts[number], starts[number + 1])];
      if (parts.length > 0) yield { pack, parts };
    }
  }
}

/** What two links to one file have in common. */
export function inodeKey({ deviceId, inode }: { readonly deviceId: bigint; readonly inode: bigint }): string {
  return `${deviceId}:${inode}`;
}

function get<Value>(values: readonly Value[], at: number): Value {
  const value = values[at];
  invariant(value !== undefined, "a number of the plan is one that the plan gave");
  return value;
}
