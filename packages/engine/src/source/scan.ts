import type { Abortable } from "../flow/abortable.ts";
import type { Node } from "../format/node.ts";
import type { BackupRules } from "./backup-rules.ts";
import type { FileSource, FollowLinks, OnSourceWarning, SourceMetadata, SourceStat } from "./file-source.ts";
import type { ListingAhead } from "./listing-ahead.ts";
import type { KnownDirectory } from "./known-directory.ts";
import type { ScanProblem } from "./scan-problem.ts";
import type { ScanTarget } from "./target-tree.ts";
import { type Place, walk } from "./walk.ts";

/**
 * One step of a scan. `path` is where the entry is in the source; `snapshotPath` where it goes in the snapshot, and `name` the last part of
 * that. `enter` opens a directory, `leave` closes it after all that is in it; `file` is anything else: `metadata.type` says what.
 */
export type ScanEvent<Known = unknown> = Place &
  (
    | {
        readonly kind: "enter";
        /** What is known of it, with all that was taken of its entries: they don't come as events. */
        readonly known?: Known | undefined;
      }
    | {
        readonly kind: "file";
        readonly metadata: SourceMetadata;
        readonly stat: SourceStat;
        /** What is known by this name, of whatever type. */
        readonly previous: Node | undefined;
      }
    | {
        readonly kind: "leave";
        readonly known?: Known | undefined;
        /** Undefined if it is that of the known node. */
        readonly metadata: SourceMetadata | undefined;
      }
  );

export interface ScanOptions<Known> extends Abortable {
  readonly withAtime: boolean;
  /** What is known of the root of the snapshot. */
  readonly known?: Known | undefined;
  /** What is listed already. */
  readonly ahead?: ListingAhead | undefined;
  /** Something is left out because it could not be read. */
  readonly onProblem: (problem: ScanProblem) => void;
  /** Something is in, but not with all of its metadata. */
  readonly onWarning?: OnSourceWarning | undefined;
}

/**
 * Finds what to back up: the entries that targets and rules choose, with their metadata, in the order in which restic's trees are written
 * (`walk.ts`), some at a time. A directory's metadata is that of before its entries were read. If no target is there, nothing is yielded.
 *
 * Where a directory is known from before, the listing is compared with that first, and metadata is read only of what is not the same.
 */
export async function* scan<Known extends KnownDirectory<Known>>(
  source: FileSource,
  targets: readonly ScanTarget[],
  rules: BackupRules,
  options: ScanOptions<Known>,
): AsyncGenerator<readonly ScanEvent<Known>[], void, undefined> {
  const { withAtime, onProblem, signal } = options;
  const onWarning = options.onWarning ?? (() => undefined);
  const metadataOf = ({ name, path }: Place, stat: SourceStat, { followLinks }: FollowLinks) => {
    const metadata = source.metadata(path, stat, { withAtime, onWarning, followLinks });
    // The targets' tree may name an entry otherwise than its directory does.
    return metadata.name === name ? metadata : { ...metadata, name };
  };
  // What is not known is looked at entry by entry, when the walk comes to it.
  if (!options.known) await options.ahead?.[Symbol.asyncDispose]();
  const batches = walk<Directory<Known>, FileEvent>(source, targets, rules, {
    onProblem,
    onWarning,
    signal,
    withAtime,
    ahead: options.ahead,
    top: { metadata: undefined, known: options.known },
    async enter(place, stat, above, { followLinks }) {
      const known = await above?.known?.below(place.name);
      const isSame = above?.known?.isSameDirectory(place.name) ?? false;
      return { metadata: isSame ? undefined : metadataOf(place, stat, { followLinks }), known };
    },
    file: ({ name, path, snapshotPath }, stat, above) => ({
      kind: "file",
      name,
      path,
      snapshotPath,
      stat,
      metadata: metadataOf({ name, path, snapshotPath }, stat, {}),
      previous: above?.known?.node(name),
    }),
    takes: ({ known }) => known?.takesEntries ?? false,
    take: ({ known }, entries, row) => known?.take(entries, row) ?? false,
  });
  for await (const batch of batches)
    yield batch.map((event) => {
      if (event.kind === "file") return event;
      const { details, kind, ...place } = event;
      return kind === "enter" ? { ...place, kind, known: details.known } : { ...place, kind, ...details };
    });
}

type FileEvent = Extract<ScanEvent, { kind: "file" }>;

interface Directory<Known> {
  readonly metadata: SourceMetadata | undefined;
  readonly known: Known | undefined;
}
