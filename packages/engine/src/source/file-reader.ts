/**
 * Reads regular files by calls that return when they are done: for a thread that has nothing else to do meanwhile. Paths are those of
 * `FileSource`. Everything throws `source-unreadable`, or `not-found` when the file is gone.
 */
export interface FileReader {
  /** Anything but a regular file is refused, a link too, and nothing blocks on a fifo. */
  open(path: string): ReadableFile;
}

export interface ReadableFile extends Disposable {
  /** Reads from `offset` until `into` is full; gives fewer bytes only at the end of the file. */
  read(into: Uint8Array, offset: number): number;
  state(): FileState;
}

/** What tells whether a file was written to meanwhile. */
export interface FileState {
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly inode: bigint;
}

/**
 * A file may be written to while it is read: then what was saved may be half old and half new, and the person must know. `before` is how the
 * scan found it, `after` how it is once it is read. Undefined if it is as it was.
 */
export function changeWhileReading(before: FileState, after: FileState, sizeRead: number): string | undefined {
  if (sizeRead < before.size) return `shrank while it was read: ${sizeRead} of ${before.size} bytes are saved`;
  if (sizeRead > before.size) return `grew while it was read: ${sizeRead} bytes instead of ${before.size} are saved`;
  const isSame = after.mtimeNs === before.mtimeNs && after.size === before.size && after.inode === before.inode;
  return isSame ? undefined : "changed while it was read: what is saved may mix old and new content";
}
