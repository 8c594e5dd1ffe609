import { wasmCutFinder } from "../../compute/wasm/cut-finder.ts";
import { isEngineError } from "../../errors/engine-error.ts";
import { chunks } from "../../chunk/chunker.ts";
import { changeWhileReading } from "../../source/file-reader.ts";
import type { BlobId } from "../../format/ids.ts";
import type { BlobWriter } from "../../repository/blob-writer.ts";
import type { Repository } from "../../repository/repository.ts";
import type { FileSource } from "../../source/file-source.ts";
import type { ContentReceiver, ContentSaver, ContentSaverDeps } from "./content-saver.ts";
import type { FileEntry, SavedContent } from "./saved.ts";

/** Files read at once: while one waits for the disk another is hashed. Restic's own default. */
export const defaultFilesAtOnce = 2;

/** Reads files through the source and does the work in this thread. */
export class StreamSaver implements ContentSaver {
  readonly #deps: ContentSaverDeps;
  readonly #running = new Set<Promise<unknown>>();

  constructor(deps: ContentSaverDeps) {
    this.#deps = deps;
  }

  get hasRoom(): boolean {
    return this.#running.size < (this.#deps.run.filesAtOnce ?? defaultFilesAtOnce);
  }

  save(file: FileEntry, receiver: ContentReceiver): void {
    const saving = this.#save(file)
      .finally(() => this.#running.delete(saving))
      .then((content) => receiver.saved(content))
      .catch((error: unknown) => receiver.failed(error));
    this.#running.add(saving);
  }

  begin(): void {
    // Each file is begun when it comes.
  }

  async finish(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #save({ path, stat }: FileEntry): Promise<SavedContent> {
    const { repository, source, writer, run, tally } = this.#deps;
    tally.readingStarts(path);
    try {
      const bytes = source.read(path, { signal: run.signal });
      const content = await saveContent(repository, writer, bytes, (length) => tally.bytesRead(path, length));
      return { ...content, change: changeSince(source, path, stat, content.size) };
    } finally {
      tally.readingEnds(path);
    }
  }
}

/** Cuts a stream into chunks and saves them. */
export async function saveContent(
  repository: Repository,
  writer: BlobWriter,
  bytes: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<SavedContent> {
  const ids: BlobId[] = [];
  let size = 0;
  let dataAdded = 0;
  let dataAddedPacked = 0;
  let newBlobs = 0;
  for await (const chunk of chunks(bytes, repository.config.chunkerPolynomial, undefined, wasmCutFinder)) {
    const length = chunk.length;
    const { id, isNew, storedBytes } = await writer.save("data", chunk);
    ids.push(id);
    size += length;
    onBytes(length);
    if (!isNew) continue;
    newBlobs += 1;
    dataAdded += length;
    dataAddedPacked += storedBytes;
  }
  return { ids, size, dataAdded, dataAddedPacked, newBlobs, change: undefined };
}

/** How a file that was just read differs from how the scan found it, if it does. */
export function changeSince(
  source: FileSource,
  path: string,
  before: FileEntry["stat"],
  sizeRead: number,
): string | undefined {
  try {
    return changeWhileReading(before, source.stat(path), sizeRead);
  } catch (error) {
    if (isEngineError(error, "not-found")) return "vanished while it was read: what was read is saved";
    throw error;
  }
}
