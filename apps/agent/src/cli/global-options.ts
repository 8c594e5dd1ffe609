import { type Command, Option } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import type { World } from "../world.ts";
import { collect, parseCount, parseDurationMs } from "./parse-values.ts";

export const compressionModes = ["auto", "off", "max", "fastest", "better"] as const;
export type CompressionMode = (typeof compressionModes)[number];

/** What every command understands, settled from the command line and the environment. */
export interface GlobalOptions {
  readonly repo: string | undefined;
  readonly repositoryFile: string | undefined;
  readonly passwordFile: string | undefined;
  readonly passwordCommand: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbosity: number;
  readonly noLock: boolean;
  readonly retryLockMs: number;
  readonly caFile: string | undefined;
  readonly noCache: boolean;
  readonly cacheFolder: string | undefined;
  readonly uploadBytesPerSecond: number | undefined;
  readonly downloadBytesPerSecond: number | undefined;
  /** Speeds by the time of the day, as they were written. */
  readonly limitWindow: string | undefined;
  readonly lowPriority: boolean;
  /** `-o name=value`. */
  readonly extended: ReadonlyMap<string, string>;
  readonly compression: CompressionMode;
  readonly packSizeBytes: number | undefined;
  readonly keyHint: string | undefined;
  readonly system: boolean;
}

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
/** restic's range of pack sizes. */
const packSizeMib = { min: 4, max: 128 };

/** The options as commander gives them: undefined where not given. */
interface RawOptions {
  readonly repo?: string;
  readonly repositoryFile?: string;
  readonly passwordFile?: string;
  readonly passwordCommand?: string;
  readonly json?: true;
  readonly quiet?: true;
  readonly verbose?: number;
  readonly lock?: boolean;
  readonly retryLock?: number;
  readonly cacert?: string;
  readonly cache?: boolean;
  readonly cacheDir?: string;
  readonly limitUpload?: number;
  readonly limitDownload?: number;
  readonly limitWindow?: string;
  readonly lowPriority?: true;
  readonly option?: readonly string[];
  readonly compression?: CompressionMode;
  readonly packSize?: number;
  readonly keyHint?: string;
  readonly system?: true;
}

/** Adds the options to a command. They may stand before the command's name and behind it, as with restic. */
export function addGlobalOptions(command: Command, { hidden }: { hidden: boolean }): Command {
  for (const option of globalOptions()) command.addOption(hidden ? option.hideHelp() : option);
  return command;
}

function globalOptions(): Option[] {
  return [
    new Option("-r, --repo <repository>", "repository to work on: a path, rest:https://… or s3:https://…"),
    new Option("--repository-file <file>", "file that holds the repository's location"),
    new Option("-p, --password-file <file>", "file that holds the repository's password"),
    new Option("--password-command <command>", "command that prints the repository's password"),
    new Option("--key-hint <id>", "key to try first"),
    new Option("--json", "print JSON for machines"),
    new Option("-q, --quiet", "print only the result, and errors"),
    new Option("-v, --verbose", "print more; twice (-vv) for every file")
      .preset("1")
      .argParser((_, before: number | undefined) => (before ?? 0) + 1),
    new Option("--no-lock", "work without a lock, for a repository that can't be written"),
    new Option("--retry-lock <duration>", "wait so long for another's lock, such as 5m").argParser(parseDurationMs),
    new Option("--cacert <file>", "trust this certificate authority (PEM) for rest:https://"),
    new Option("--cache-dir <folder>", "keep the cache there"),
    new Option("--no-cache", "use no cache"),
    new Option("--limit-upload <KiB/s>", "send no faster").argParser(parseCount(1)),
    new Option("--limit-download <KiB/s>", "receive no faster").argParser(parseCount(1)),
    new Option("--limit-window <windows>", 'other speeds by day and time, such as "mon-fri 08:00-18:00 1M"'),
    new Option("--low-priority", "let other programs go first, for the processor and the disk"),
    new Option("-o, --option <name=value>", "setting of a kind of store, such as s3.bucket-lookup=path").argParser(
      collect,
    ),
    new Option("--compression <mode>", "how hard to compress").choices(compressionModes),
    new Option("--pack-size <MiB>", "size of pack files").argParser(parseCount(packSizeMib.min, packSizeMib.max)),
    new Option("--system", "use the service's configuration, not the person's"),
  ];
}

/** The options in force: given behind the command's name, before it, or by the environment, in this order. */
export function settleGlobalOptions(command: Command, { env }: World): GlobalOptions {
  const chain: RawOptions[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) chain.push(at.opts<RawOptions>());
  const first = <Name extends keyof RawOptions>(name: Name) =>
    chain.find((options) => options[name] !== undefined)?.[name];
  const limitUpload = first("limitUpload");
  const limitDownload = first("limitDownload");
  const packSize = first("packSize") ?? numberFrom(env, "RESTIC_PACK_SIZE");
  return {
    repo: first("repo"),
    repositoryFile: first("repositoryFile"),
    passwordFile: first("passwordFile"),
    passwordCommand: first("passwordCommand"),
    json: first("json") ?? false,
    quiet: first("quiet") ?? false,
    verbosity: chain.reduce((sum, options) => sum + (options.verbose ?? 0), 0),
    noLock: chain.some((options) => options.lock === false),
    retryLockMs: first("retryLock") ?? 0,
    caFile: first("cacert") ?? (env["RESTIC_CACERT"] || undefined),
    noCache: chain.some((options) => options.cache === false),
    cacheFolder: first("cacheDir") ?? (env["RESTIC_CACHE_DIR"] || undefined),
    uploadBytesPerSecond: limitUpload === undefined ? undefined : limitUpload * kibibyte,
    downloadBytesPerSecond: limitDownload === undefined ? undefined : limitDownload * kibibyte,
    limitWindow: first("limitWindow"),
    lowPriority: first("lowPriority") ?? false,
    extended: extendedOptions(chain.flatMap((options) => options.option ?? [])),
    compression: first("compression") ?? compressionFrom(env),
    packSizeBytes: packSize === undefined ? undefined : packSize * mebibyte,
    keyHint: first("keyHint") ?? (env["RESTIC_KEY_HINT"] || undefined),
    system: first("system") ?? false,
  };
}

/** Every setting that exists, with what it may be. Another one is refused: it would be believed to work. */
const extendedSettings: ReadonlyMap<string, RegExp> = new Map([
  // Buckets at an endpoint of one's own are always addressed by path.
  ["s3.bucket-lookup", /^(auto|path)$/],
  ["s3.region", /^[a-z0-9-]+$/],
]);

function extendedOptions(texts: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    texts.map((text) => {
      const [, name = "", value = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
      if (extendedSettings.get(name)?.test(value)) return [name, value];
      throw new AgentError("usage", `Can't do --option ${text}`, {
        hint: "There are s3.region=NAME and s3.bucket-lookup=auto or path.",
      });
    }),
  );
}

type Env = World["env"];

function compressionFrom(env: Env): CompressionMode {
  const text = env["RESTIC_COMPRESSION"] || "auto";
  const mode = compressionModes.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw new AgentError("usage", `RESTIC_COMPRESSION is "${text}"; it may be ${compressionModes.join(", ")}`);
}

function numberFrom(env: Env, name: string): number | undefined {
  const text = env[name];
  if (!text) return undefined;
  try {
    return parseCount(packSizeMib.min, packSizeMib.max)(text);
  } catch (cause) {
    throw new AgentError("usage", `${name} is "${text}"; it may be ${packSizeMib.min} to ${packSizeMib.max}`, {
      cause,
    });
  }
}
