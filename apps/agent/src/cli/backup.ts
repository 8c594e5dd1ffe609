import { Option } from "commander";
import type {
  BackupResult,
  BackupRules,
  BackupSettings,
  BackupTarget,
  FileSource,
  ListingAhead,
  Repository,
} from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { exitCode, type ExitCode } from "../errors/exit-code.ts";
import { homeOf } from "../enrolment/enrolled-machine.ts";
import { machineFacts } from "../host/facts.ts";
import { moreYoungObjects } from "../host/young-objects.ts";
import { backupRules, backupTargets } from "../jobs/backup-sources.ts";
import { BackupReporter } from "./backup-reporter.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { type FilesFromOptions, pathsFromFiles } from "./files-from.ts";
import {
  collect,
  collectTags,
  type GroupBy,
  parseCount,
  parseGroupBy,
  parseSizeBytes,
  parseTimeNs,
} from "./parse-values.ts";
import { type OpenedForCommand, openForCommand } from "./repository-command.ts";
import { commandOutput } from "./stdin-from-command.ts";
import { programVersion } from "./version.ts";
import { summaries } from "./summaries.ts";

interface BackupOptions extends FilesFromOptions {
  readonly exclude?: readonly string[];
  readonly iexclude?: readonly string[];
  readonly excludeFile?: readonly string[];
  readonly iexcludeFile?: readonly string[];
  readonly excludeCaches?: true;
  readonly excludeIfPresent?: readonly string[];
  readonly excludeLargerThan?: number;
  readonly oneFileSystem?: true;
  readonly host?: string;
  readonly tag?: readonly (readonly string[])[];
  readonly time?: bigint;
  readonly parent?: string;
  readonly force?: true;
  readonly groupBy: GroupBy;
  readonly ignoreCtime?: true;
  readonly ignoreInode?: true;
  readonly withAtime?: true;
  readonly stdin?: true;
  readonly stdinFromCommand?: true;
  readonly stdinFilename: string;
  readonly dryRun?: true;
  readonly skipIfUnchanged?: true;
  readonly scan: boolean;
  readonly readConcurrency?: number;
}

/** `saveos-agent backup` */
export function addBackup(line: CommandLine): void {
  const command = addCommand(line.program, "backup [paths...]", {
    summary: summaries.backup,
    description:
      "The first backup reads everything, later ones only what changed. What can't be read is said and left out; " +
      "the exit code is then 3.",
    examples: [
      "saveos-agent backup ~/Documents ~/Pictures --exclude '*.tmp'",
      "pg_dump shop | saveos-agent backup --stdin --stdin-filename shop.sql",
    ],
  });
  const repeatable = (flags: string, description: string) =>
    command.addOption(new Option(flags, `${description} (repeatable)`).argParser(collect));
  repeatable("-e, --exclude <pattern>", "leave out what matches");
  repeatable("--iexclude <pattern>", "the same, without regard to case");
  repeatable("--exclude-file <file>", "leave out what matches a pattern in this file");
  repeatable("--iexclude-file <file>", "the same, without regard to case");
  repeatable("--exclude-if-present <name[:header]>", "leave out folders that hold such a file");
  repeatable("--files-from <file>", "back up what matches the patterns in this file");
  repeatable("--files-from-verbatim <file>", "back up the paths in this file, one a line");
  repeatable("--files-from-raw <file>", "back up the paths in this file, each ended by a NUL byte");
  command
    .option("--exclude-caches", "leave out folders marked with CACHEDIR.TAG")
    .addOption(
      new Option("--exclude-larger-than <size>", "leave out larger files, such as 2G").argParser(parseSizeBytes),
    )
    .option("-x, --one-file-system", "stay on the file system of each path")
    .option("-H, --host <name>", "host to record instead of this machine's name")
    .addOption(new Option("--tag <tags>", "tags for the snapshot, such as a,b (repeatable)").argParser(collectTags))
    .addOption(new Option("--time <time>", 'time to record, such as "2026-01-31 08:30:00"').argParser(parseTimeNs))
    .option("--parent <snapshot>", "compare with this snapshot, not the newest that fits")
    .option("-f, --force", "read everything again")
    .addOption(
      new Option("-g, --group-by <marks>", "what the snapshot compared with must have in common: host, paths, tags")
        .argParser(parseGroupBy)
        .default({ host: true, paths: true, tags: false }, "host,paths"),
    )
    .option("--ignore-ctime", "a changed ctime alone is no change")
    .option("--ignore-inode", "a changed inode or ctime alone is no change")
    .option("--with-atime", "record the times of access")
    .option("--stdin", "back up standard input")
    .option("--stdin-from-command", "run the operands as a command and back up what it prints")
    .option("--stdin-filename <name>", "name of that file in the snapshot", "stdin")
    .option("-n, --dry-run", "store nothing, say what would be")
    .option("--skip-if-unchanged", "make no snapshot if nothing changed")
    .option("--no-scan", "don't count ahead, so show no time left")
    .addOption(new Option("--read-concurrency <n>", "files read at once").argParser(parseCount(1, 128)));
  onRun<BackupOptions>(line, command, backUp);
}

async function backUp(invocation: Invocation<BackupOptions>): Promise<ExitCode> {
  const { options, print } = invocation;
  const isStream = options.stdin === true || options.stdinFromCommand === true;
  const paths = isStream ? undefined : await beginPaths(invocation);
  await using _ahead = paths?.ahead;
  await using opened = await openForCommand(invocation);
  const { displayName } = await import("@saveos/engine");
  await using reporter = new BackupReporter(invocation, displayName);
  const settings = backupSettings(invocation, opened, reporter);
  const result = paths
    ? await backUpPaths(invocation, opened.repository, settings, paths)
    : await backUpStream(invocation, opened.repository, settings);
  await reporter.finish(result, { dryRun: options.dryRun === true });
  if (result.problems === 0) return exitCode.done;
  await print.partial("Some of the files could not be read: the snapshot is without them.", exitCode.sourceIncomplete);
  return exitCode.sourceIncomplete;
}

/** What is to be backed up, whose listing has begun. */
interface ChosenPaths {
  readonly source: FileSource;
  readonly targets: readonly BackupTarget[];
  readonly rules: BackupRules;
  /** To be disposed. */
  readonly ahead: ListingAhead | undefined;
}

async function beginPaths(invocation: Invocation<BackupOptions>): Promise<ChosenPaths> {
  const { world, global, options } = invocation;
  const [paths, { listTargetsAhead }, { nodeSource }] = await Promise.all([
    pathsToBackUp(invocation),
    import("@saveos/engine"),
    import("@saveos/engine/node"),
  ]);
  const source = nodeSource();
  const targets = backupTargets(source, paths, world.workingFolder);
  const rules = await backupRules(
    {
      ...options,
      excludeFiles: options.excludeFile,
      iexcludeFiles: options.iexcludeFile,
      excludeLargerThanBytes: options.excludeLargerThan,
      ownCacheFolder: global.cacheFolder ?? homeOf(world, global).cacheFolder,
    },
    world,
  );
  // With nothing to compare with, entries are looked at one by one.
  const ahead = options.force
    ? undefined
    : listTargetsAhead(source, targets, rules, { withAtime: options.withAtime === true });
  return { source, targets, rules, ahead };
}

async function pathsToBackUp({ world, options, operands, print }: Invocation<BackupOptions>): Promise<string[]> {
  const named = await pathsFromFiles(options, {
    workingFolder: world.workingFolder,
    onNoMatch: (pattern) => print.warn(`The pattern ${pattern} matches no file`),
  });
  const paths = [...operands, ...named];
  if (paths.length > 0) return paths;
  throw new AgentError("usage", "Nothing to back up was named.", {
    hint: "Name files or folders, for example `saveos-agent backup ~/Documents`.",
  });
}

function backupSettings(
  { world, global, options }: Invocation<BackupOptions>,
  { lock }: OpenedForCommand,
  reporter: BackupReporter,
): BackupSettings {
  const facts = machineFacts();
  const readConcurrency = options.readConcurrency ?? numberOf(world.env["RESTIC_READ_CONCURRENCY"]);
  return {
    tags: [...new Set((options.tag ?? []).flat().filter((tag) => tag !== ""))],
    hostname: options.host ?? (world.env["RESTIC_HOST"] || facts.hostname),
    username: facts.username,
    uid: facts.uid,
    gid: facts.gid,
    timeNs: options.time,
    dryRun: options.dryRun,
    compression: global.compression,
    packSizeBytes: global.packSizeBytes,
    programVersion,
    lock,
    signal: world.signal,
    ...(readConcurrency === undefined ? {} : { filesAtOnce: readConcurrency }),
    ...reporter.callbacks,
  };
}

async function backUpPaths(
  { world, options }: Invocation<BackupOptions>,
  repository: Repository,
  settings: BackupSettings,
  { source, targets, rules, ahead }: ChosenPaths,
): Promise<BackupResult> {
  const { backup, findSnapshot } = await import("@saveos/engine");
  using _young = moreYoungObjects();
  const parent =
    options.parent === undefined
      ? undefined
      : (await findSnapshot(repository, options.parent, {}, { signal: world.signal })).snapshot.id;
  return await backup(repository, source, {
    ...settings,
    targets,
    rules,
    ahead,
    excludesToRecord: options.exclude ?? [],
    parent: options.force ? "none" : parent,
    groupBy: options.groupBy,
    ignoreCtime: options.ignoreCtime === true,
    ignoreInode: options.ignoreInode === true,
    withAtime: options.withAtime === true,
    skipIfUnchanged: options.skipIfUnchanged === true,
    noScan: !options.scan,
  });
}

async function backUpStream(
  { world, options, operands }: Invocation<BackupOptions>,
  repository: Repository,
  settings: BackupSettings,
): Promise<BackupResult> {
  const { backupStream } = await import("@saveos/engine");
  if (options.stdin && operands.length > 0) throw new AgentError("usage", "--stdin and paths can't be used together.");
  const bytes = options.stdinFromCommand ? commandOutput(operands, world.signal) : world.stdin;
  return await backupStream(repository, { ...settings, filename: options.stdinFilename, bytes });
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}
