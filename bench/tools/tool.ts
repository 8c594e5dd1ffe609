import type { Command } from "../measure/command.ts";

export const toolNames = ["SaveOS", "restic", "borg"] as const;
export type ToolName = (typeof toolNames)[number];

/** A backup program with the settings that it has by itself. */
export interface Tool {
  readonly name: ToolName;
  /**
   * A repository that nobody has used, with the tool's cache, configuration and all else that it keeps beside it.
   * @param folder empty, for this repository alone
   */
  newRepository(folder: string, signal: AbortSignal): Promise<BenchRepository>;
}

/** What is asked of a tool, as the commands that its user would type. */
export interface BenchRepository {
  backUp(source: string): Command;
  /** Restores what was backed up last: `source` comes back as `target` + `source`. */
  restore(target: string): Command;
  /** Reads and verifies all data. */
  check(): Command;
  /** Where its objects are, if it is a folder: for its size. */
  readonly path?: string;
  /** What stock restic needs to know to judge it, if it is a restic repository. */
  readonly forRestic?: { readonly path: string; readonly password: string };
}

/** No secret: it protects seeded data. */
export const benchPassword = "bench";
