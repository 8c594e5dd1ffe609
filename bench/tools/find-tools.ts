import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { BenchError } from "../bench-error.ts";
import { type ToolName, toolNames } from "./tool.ts";

/** The tools that are there, by name, with what they call their version; the absent ones with the reason. */
export interface FoundTools {
  readonly versions: Readonly<Partial<Record<ToolName, string>>>;
  readonly missing: readonly { readonly name: ToolName; readonly reason: string }[];
  /** The programs of restic and borg. */
  readonly restic?: string;
  readonly borg?: string;
}

/** The targets name this restic; another is measured as well, but is another opponent. */
const resticOfTheTargets = "0.19.1";

/** Looks for restic and borg: `BENCH_RESTIC` and `BENCH_BORG`, else on the PATH. */
export async function findTools(env: Readonly<Record<string, string | undefined>>): Promise<FoundTools> {
  const restic = await findPeer("restic", env["BENCH_RESTIC"], ["version"], /restic (\S+)/);
  const borg = await findPeer("borg", env["BENCH_BORG"], ["--version"], /borg (\S+)/);
  return {
    versions: {
      SaveOS: await ownVersion(),
      ...("version" in restic ? { restic: restic.version } : {}),
      ...("version" in borg ? { borg: borg.version } : {}),
    },
    missing: [restic, borg].flatMap((peer) => ("reason" in peer ? [{ name: peer.name, reason: peer.reason }] : [])),
    ...("program" in restic ? { restic: restic.program } : {}),
    ...("program" in borg ? { borg: borg.program } : {}),
  };
}

/** One line for the head of the output and the page. */
export function versionsText({ versions }: Pick<FoundTools, "versions">): string {
  return toolNames.flatMap((name) => (versions[name] === undefined ? [] : [`${name} ${versions[name]}`])).join(", ");
}

/** What should be said about the opponents before anything is measured. */
export function warnings({ versions, missing }: FoundTools): string[] {
  const absent = missing.map(({ name, reason }) => `${name} is not measured: ${reason}`);
  const { restic } = versions;
  if (restic === undefined || restic === resticOfTheTargets) return absent;
  return [
    ...absent,
    `This is restic ${restic}; the targets are against restic ${resticOfTheTargets}. Name one with BENCH_RESTIC.`,
  ];
}

type Peer =
  | { readonly name: ToolName; readonly program: string; readonly version: string }
  | { readonly name: ToolName; readonly reason: string };

async function findPeer(name: ToolName, named: string | undefined, args: string[], version: RegExp): Promise<Peer> {
  const program = named || name;
  try {
    const { stdout } = await promisify(execFile)(program, args);
    return { name, program, version: version.exec(stdout)?.[1] ?? "of unknown version" };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // A name that somebody gave and that is wrong is a mistake to be told, not an absence.
    if (named) throw new BenchError(`BENCH_${name.toUpperCase()}: ${reason}`, { cause: error });
    return { name, reason: `there is no program ${name} on the PATH, and BENCH_${name.toUpperCase()} is not set` };
  }
}

/** The version of the package, and of the sources if git knows. */
async function ownVersion(): Promise<string> {
  const root = join(import.meta.dirname, "../..");
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  try {
    const { stdout } = await promisify(execFile)("git", ["-C", root, "describe", "--always", "--dirty", "--exclude=*"]);
    return `${version} (${stdout.trim()})`;
  } catch {
    return version;
  }
}
