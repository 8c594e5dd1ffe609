import type { Repository } from "../../repository/repository.ts";
import type { BlobWriter } from "../../repository/blob-writer.ts";
import type { FileSource } from "../../source/file-source.ts";
import type { BackupRun } from "./backup-request.ts";
import type { BackupTally } from "./backup-tally.ts";
import { LaneSaver } from "./lane-saver.ts";
import type { FileEntry, SavedContent } from "./saved.ts";
import { StreamSaver } from "./stream-saver.ts";

/** Saves the contents of files, several at once. Leaving the scope waits for what is under way. */
export interface ContentSaver extends AsyncDisposable {
  /** False: whoever goes on asking all the same fills the memory. */
  readonly hasRoom: boolean;
  save(file: FileEntry, receiver: ContentReceiver): void;
  /** Small files are collected to be saved together: this begins with those collected so far. */
  begin(): void;
  /** Resolves when all that was saved is in packs that the writer has. */
  finish(): Promise<void>;
}

/** Is told once what became of a file: a call costs less than a promise, and there are millions. */
export interface ContentReceiver {
  saved(content: SavedContent): void;
  /** With `source-unreadable` or `not-found` for a file that can't be read: the next ones can be saved all the same. */
  failed(error: unknown): void;
}

export interface ContentSaverDeps {
  readonly repository: Repository;
  readonly source: FileSource;
  readonly writer: BlobWriter;
  readonly run: BackupRun;
  readonly tally: BackupTally;
}

/** Lanes read files by themselves; where they can't, files are read through the source, in this thread. */
export function contentSaver(deps: ContentSaverDeps): ContentSaver {
  const { lanes } = deps.repository.compute;
  return deps.source.isReadByLanes && lanes.length > 0 ? new LaneSaver(deps, lanes) : new StreamSaver(deps);
}
