import type { CopiedSnapshot, CopyResult } from "@saveos/engine";
import { exitCode, type ExitCode } from "../errors/exit-code.ts";
import { type SelectionOptions, selectSnapshots, snapshotFilter } from "../repository/select-snapshots.ts";
import { shareDone } from "../terminal/progress-text.ts";
import { formatBytes, formatDuration, plural } from "../terminal/quantities.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { showProgress } from "./progress.ts";
import { plainTime } from "./records/long-line.ts";
import { openForCommand } from "./repository-command.ts";
import { addSelectionOptions } from "./selection-options.ts";
import { addSourceOptions, openSource, type SourceOptions } from "./source-repository.ts";
import { summaries } from "./summaries.ts";

type CopyOptions = SelectionOptions & SourceOptions;

/** `saveos-agent copy` */
export function addCopy(line: CommandLine): void {
  const command = addCommand(line.program, "copy [snapshots...]", {
    summary: summaries.copy,
    description:
      "Copies the snapshots named, or all that fit, from --from-repo to the repository. What is there already is not sent again. " +
      "Make the repository with `init --copy-chunker-params`, so that later backups to both are cut alike.",
    examples: [
      "saveos-agent -r /mnt/usb copy --from-repo /srv/backups --from-password-file ~/.backup-password",
      "saveos-agent -r /mnt/usb copy --from-repo /srv/backups --host web1 latest",
    ],
  });
  addSelectionOptions(addSourceOptions(command));
  onRun<CopyOptions>(line, command, copySnapshots);
}

async function copySnapshots(invocation: Invocation<CopyOptions>): Promise<ExitCode> {
  const { world, global, options, operands, print } = invocation;
  const { copy } = await import("@saveos/engine");
  await using source = await openSource(invocation);
  await using destination = await openForCommand(invocation);
  await using display = showProgress(invocation, (progress) => ({
    message_type: "status",
    seconds_elapsed: Math.floor(progress.secondsElapsed) || undefined,
    percent_done: shareDone(progress) ?? 0,
    blobs_done: progress.filesDone,
    total_blobs: progress.filesTotal,
    bytes_done: progress.bytesDone,
    total_bytes: progress.bytesTotal,
  }));
  let missing = 0;
  const result = await copy(source.repository, destination.repository, {
    chooseSnapshots: async (repository, { signal = world.signal }) =>
      await selectSnapshots(repository, operands, snapshotFilter(options, world.env), {
        signal,
        onMissing: async (message) => {
          missing += 1;
          await print.warn(message);
        },
        onUnreadable: (message) => void print.warn(message),
      }),
    // Only the source can be one that can't be written.
    lock: { ...destination.lock, noLock: false },
    sourceLock: source.lock,
    compression: global.compression,
    packSizeBytes: global.packSizeBytes,
    signal: world.signal,
    onSnapshot: await snapshotPrinter(invocation),
    onUnreadable: (_id, error) => void print.warn(`${error.message}. It is passed over.`),
    onProgress: ({ blobsDone, blobsTotal, bytesDone, bytesTotal }) =>
      display.update({ filesDone: blobsDone, filesTotal: blobsTotal, bytesDone, bytesTotal, counted: "blobs" }),
  });
  await display[Symbol.asyncDispose]();
  await printResult(invocation, result, display.secondsElapsed);
  return missing > 0 && missing === operands.length ? exitCode.failed : exitCode.done;
}

async function snapshotPrinter({ print }: Invocation<CopyOptions>): Promise<(copied: CopiedSnapshot) => void> {
  const { formatTime, localZone, parseTime } = await import("@saveos/engine");
  return ({ source, copyId, isNew }) => {
    const time = plainTime(formatTime(parseTime(source.time), localZone));
    const name = `snapshot ${source.id.slice(0, 8)} of ${time}`;
    if (isNew) void print.info(`Copied ${name} as ${copyId.slice(0, 8)}`);
    else void print.detail(1, `Left ${name}: it is there as ${copyId.slice(0, 8)}`);
    void print.record({
      message_type: isNew ? "snapshot_copied" : "snapshot_skipped",
      source_snapshot_id: source.id,
      snapshot_id: copyId,
    });
  };
}

async function printResult(
  { print }: Invocation<CopyOptions>,
  { copied, skipped, blobsAdded, bytesAdded, cutAlike }: CopyResult,
  seconds: number,
): Promise<void> {
  const added = `${plural(blobsAdded, "new blob")}, ${formatBytes(bytesAdded)}`;
  await print.result(
    `${print.style.strong(`Copied ${plural(copied, "snapshot")}, ${added}`)} in ${formatDuration(seconds)}`,
  );
  if (skipped > 0) await print.info(`${plural(skipped, "snapshot was", "snapshots were")} there already`);
  if (!cutAlike && copied > 0)
    await print.info(
      "The two repositories cut files differently: a file that is backed up to both takes its space twice.",
      "`init --copy-chunker-params` makes one that cuts as another does.",
    );
  await print.record({
    message_type: "summary",
    snapshots_copied: copied,
    snapshots_skipped: skipped,
    blobs_added: blobsAdded,
    bytes_added: bytesAdded,
    same_chunker_params: cutAlike,
    total_duration: seconds,
  });
}
