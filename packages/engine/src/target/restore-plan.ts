import { invariant } from "../errors/invariant.ts";
import { type BlobId, blobIdFromBytes, type ObjectId } from "../format/ids.ts";
import type { EntryMetadata, TargetPath } from "./file-target.ts";
import { GrowingColumn } from "./growing-column.ts";
import { GrowingIds } from "./growing-ids.ts";
import { PlannedMetadata } from "./planned-metadata.ts";
import type { BlobPlace } from "./snapshot-reader.ts";

/** What is to be done with one entry of a directory once all contents are there. Kept as one byte. */
export const entryPlan = {
  /** Nothing: not selected, left alone, failed, or its metadata is in the plan. */
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
const noPack = 2 ** 32 - 1;

/**
 * What a restore is going to do: small enough for millions of files, where their nodes would not be. Measured on Node 26: a file of one
 * part costs 170 bytes with its name, so a million files 170 MB; each further part costs 60 and a directory 140. Links, devices and such cost one
 * byte each, and are read from their tree again when their turn comes.
 */
export class RestorePlan {
  readonly #directoryNames: string[] = [];
  readonly #directoryParents = new GrowingColumn(Uint32Array);
  readonly #trees: (BlobId | undefined)[] = [];
  readonly #entries: Uint8Array[] = [];
  readonly #directoryMetadata = new PlannedMetadata("dir");
  readonly #isDirectoryPlanned = new GrowingColumn(Uint8Array);
  /** The path that was asked for last: most files are asked for beside each other. */
  #lastPath: { readonly directory: DirectoryNumber; readonly path: TargetPath } = { directory: 0, path: [] };

  readonly #fileNames: string[] = [];
  readonly #fileDirectories = new GrowingColumn(Uint32Array);
  /** Where the file's node is in its tree. */
  readonly #filePositions = new GrowingColumn(Uint32Array);
  readonly #fileSizes = new GrowingColumn(Float64Array);
  readonly #fileStates: FileState[] = [];
  readonly #fileMetadata = new PlannedMetadata("file");
  readonly #isFilePlanned = new GrowingColumn(Uint8Array);
  /** The number of the file's first part; its last is before the next file's first. */
  readonly #firstParts = new GrowingColumn(Uint32Array);

  readonly #partIds = new GrowingIds();
  readonly #partFiles = new GrowingColumn(Uint32Array);
  readonly #partOffsets = new GrowingColumn(Float64Array);
  readonly #partPacks = new GrowingColumn(Uint32Array);
  readonly #blobOffsets = new GrowingColumn(Uint32Array);
  readonly #blobLengths = new GrowingColumn(Uint32Array);
  readonly #uncompressedLengths = new GrowingColumn(Uint32Array);

  readonly #packs: ObjectId[] = [];
  readonly #packNumbers = new Map<ObjectId, number>();

  /** The first file of each inode that has several links, by `inodeKey`. */
  readonly firstLinks = new Map<string, FileNumber>();

  /** Whether the snapshot's names can be trusted to tell what does not belong to it. */
  isDeletingSafe = true;

  /**
   * `tree` is undefined if it can't be read: then nothing in the directory is known, and nothing is deleted there. With `metadata` the directory is
   * finished by the plan.
   */
  addDirectory(
    parent: DirectoryNumber,
    name: string,
    tree: BlobId | undefined,
    entryCount: number,
    metadata: EntryMetadata | undefined,
  ): DirectoryNumber {
    this.#directoryNames.push(name);
    this.#directoryParents.push(parent);
    this.#trees.push(tree);
    this.#entries.push(new Uint8Array(entryCount));
    this.#directoryMetadata.push(metadata ?? nothing);
    this.#isDirectoryPlanned.push(metadata ? 1 : 0);
    return this.#directoryNames.length - 1;
  }

  /** Its parts follow by `addPart`, in order. `position` is the file's in its directory's tree. With `metadata` it is finished by the plan. */
  addFile(
    directory: DirectoryNumber,
    position: number,
    name: string,
    { state, metadata }: { readonly state: FileState; readonly metadata: EntryMetadata | undefined },
  ): FileNumber {
    this.#fileNames.push(name);
    this.#fileDirectories.push(directory);
    this.#filePositions.push(position);
    this.#fileSizes.push(0);
    this.#fileStates.push(state);
    this.#fileMetadata.push(metadata ?? nothing);
    this.#isFilePlanned.push(metadata ? 1 : 0);
    this.#firstParts.push(this.partCount);
    return this.fileCount - 1;
  }

  /** Adds the blob to the end of the file that was added last. */
  addPart(id: BlobId, { pack, offset, length, uncompressedLength, plainBytes }: BlobPlace): void {
    const file = this.fileCount - 1;
    invariant(file >= 0, "a part belongs to a file");
    this.#partIds.push(id);
    this.#partFiles.push(file);
    this.#partOffsets.push(this.fileSize(file));
    this.#partPacks.push(this.#numberOf(pack));
    this.#blobOffsets.push(offset);
    this.#blobLengths.push(length);
    this.#uncompressedLengths.push(uncompressedLength);
    this.#fileSizes.set(file, this.fileSize(file) + plainBytes);
  }

  #numberOf(pack: ObjectId): number {
    let number = this.#packNumbers.get(pack);
    if (number === undefined) {
      number = this.#packs.push(pack) - 1;
      this.#packNumbers.set(pack, number);
    }
    return number;
  }

  get directoryCount(): number {
    return this.#directoryNames.length;
  }

  get fileCount(): number {
    return this.#fileNames.length;
  }

  get partCount(): number {
    return this.#partFiles.count;
  }

  directoryPath(directory: DirectoryNumber): TargetPath {
    if (directory !== this.#lastPath.directory) {
      const names: string[] = [];
      for (let at = directory; at !== 0; at = this.#directoryParents.at(at)) names.push(get(this.#directoryNames, at));
      this.#lastPath = { directory, path: names.reverse() };
    }
    return this.#lastPath.path;
  }

  tree(directory: DirectoryNumber): BlobId | undefined {
    return this.#trees[directory];
  }

  /** What is set on the directory at the end; undefined if its node says more than the plan keeps. */
  directoryMetadata(directory: DirectoryNumber): EntryMetadata | undefined {
    return this.#isDirectoryPlanned.at(directory) === 1 ? this.#directoryMetadata.at(directory) : undefined;
  }

  entry(directory: DirectoryNumber, position: number): EntryPlan {
    return (this.#entries[directory]?.[position] ?? entryPlan.leave) as EntryPlan;
  }

  setEntry(directory: DirectoryNumber, position: number, plan: EntryPlan): void {
    get(this.#entries, directory)[position] = plan;
  }

  /** Whether the directory's nodes are needed once more. */
  hasEntriesToFinish(directory: DirectoryNumber): boolean {
    return get(this.#entries, directory).some((plan) => plan !== entryPlan.leave);
  }

  fileDirectory(file: FileNumber): DirectoryNumber {
    return this.#fileDirectories.at(file);
  }

  fileName(file: FileNumber): string {
    return get(this.#fileNames, file);
  }

  filePath(file: FileNumber): TargetPath {
    return [...this.directoryPath(this.fileDirectory(file)), this.fileName(file)];
  }

  /** In bytes: the sum of its parts. */
  fileSize(file: FileNumber): number {
    return this.#fileSizes.at(file);
  }

  fileState(file: FileNumber): FileState {
    return get(this.#fileStates, file);
  }

  setFileState(file: FileNumber, state: FileState): void {
    this.#fileStates[file] = state;
  }

  /** What is set on the file as soon as it is complete; undefined if that waits for its node. */
  fileMetadata(file: FileNumber): EntryMetadata | undefined {
    return this.#isFilePlanned.at(file) === 1 ? this.#fileMetadata.at(file) : undefined;
  }

  /** A file that is not whole gets no metadata either: it must not pass for the right one by its size and time. */
  failFile(file: FileNumber): void {
    this.setFileState(file, "failed");
    this.setEntry(this.fileDirectory(file), this.#filePositions.at(file), entryPlan.leave);
    for (const part of this.partsOf(file)) this.#partPacks.set(part, noPack);
  }

  /** The file's parts, in order. */
  *partsOf(file: FileNumber): Generator<PartNumber, void, undefined> {
    const end = this.#partsEnd(file);
    for (let part = this.#firstParts.at(file); part < end; part += 1) yield part;
  }

  partCountOf(file: FileNumber): number {
    return this.#partsEnd(file) - this.#firstParts.at(file);
  }

  #partsEnd(file: FileNumber): PartNumber {
    return file + 1 < this.fileCount ? this.#firstParts.at(file + 1) : this.partCount;
  }

  partId(part: PartNumber): BlobId {
    return blobIdFromBytes(this.partIdBytes(part));
  }

  /** The same as 32 bytes, to be copied. */
  partIdBytes(part: PartNumber): Uint8Array {
    return this.#partIds.at(part);
  }

  partFile(part: PartNumber): FileNumber {
    return this.#partFiles.at(part);
  }

  /** Where in its file the part begins. */
  partOffset(part: PartNumber): number {
    return this.#partOffsets.at(part);
  }

  partLength(part: PartNumber): number {
    const file = this.partFile(part);
    const isLast = part + 1 === this.#partsEnd(file);
    return (isLast ? this.fileSize(file) : this.partOffset(part + 1)) - this.partOffset(part);
  }

  /** Whether two parts are of one blob, in one place. */
  isSameBlob(a: PartNumber, b: PartNumber): boolean {
    return (
      this.blobOffset(a) === this.blobOffset(b) &&
      this.blobLength(a) === this.blobLength(b) &&
      this.#partPacks.at(a) === this.#partPacks.at(b) &&
      this.#partIds.areEqual(a, b)
    );
  }

  /** Where in its pack the part's blob begins. */
  blobOffset(part: PartNumber): number {
    return this.#blobOffsets.at(part);
  }

  /** Of the sealed blob. */
  blobLength(part: PartNumber): number {
    return this.#blobLengths.at(part);
  }

  uncompressedLength(part: PartNumber): number {
    return this.#uncompressedLengths.at(part);
  }

  /** The part is in place already. */
  markPresent(part: PartNumber): void {
    this.#partPacks.set(part, noPack);
  }

  isMissing(part: PartNumber): boolean {
    return this.#partPacks.at(part) !== noPack;
  }

  /** The packs that missing parts come from, in the order of their first use, each with those parts in the order of their blobs. */
  *missingByPack(): Generator<{ pack: ObjectId; parts: Uint32Array }, void, undefined> {
    // Counted and placed, so that millions of parts need one array and no object each.
    const starts = new Uint32Array(this.#packs.length + 1);
    for (let part = 0; part < this.partCount; part += 1) {
      const pack = this.#partPacks.at(part);
      if (pack !== noPack) starts[pack + 1] = (starts[pack + 1] ?? 0) + 1;
    }
    for (let pack = 0; pack < this.#packs.length; pack += 1)
      starts[pack + 1] = (starts[pack + 1] ?? 0) + (starts[pack] ?? 0);
    const sorted = new Uint32Array(starts.at(-1) ?? 0);
    const next = starts.slice();
    for (let part = 0; part < this.partCount; part += 1) {
      const pack = this.#partPacks.at(part);
      if (pack === noPack) continue;
      const at = next[pack] ?? 0;
      sorted[at] = part;
      next[pack] = at + 1;
    }
    for (const [number, pack] of this.#packs.entries()) {
      const parts = sorted.subarray(starts[number], starts[number + 1]);
      if (parts.length > 0)
        yield { pack, parts: parts.sort((a, b) => this.blobOffset(a) - this.blobOffset(b) || a - b) };
    }
  }
}

/** In the place of metadata that the plan does not keep. */
const nothing: EntryMetadata = {
  type: "dir",
  mode: 0,
  uid: 0,
  gid: 0,
  atimeNs: 0n,
  mtimeNs: 0n,
  user: "",
  group: "",
  extendedAttributes: [],
  genericAttributes: new Map(),
};

/** What two links to one file have in common. */
export function inodeKey({ deviceId, inode }: { readonly deviceId: bigint; readonly inode: bigint }): string {
  return `${deviceId}:${inode}`;
}

function get<Value>(values: readonly Value[], at: number): Value {
  const value = values[at];
  invariant(value !== undefined, "a number of the plan is one that the plan gave");
  return value;
}
