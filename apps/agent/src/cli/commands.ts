import type { CommandLine } from "./command-line.ts";
import { type CommandName, summaries } from "./summaries.ts";

type AddCommand = (line: CommandLine) => void;

/** Where each command is. A command line loads the one that it names: loading them all would make every command wait. */
const loaders: Record<CommandName, () => Promise<AddCommand>> = {
  backup: async () => (await import("./backup.ts")).addBackup,
  restore: async () => (await import("./restore.ts")).addRestore,
  snapshots: async () => (await import("./snapshots.ts")).addSnapshots,
  ls: async () => (await import("./ls.ts")).addLs,
  find: async () => (await import("./find.ts")).addFind,
  diff: async () => (await import("./diff.ts")).addDiff,
  dump: async () => (await import("./dump.ts")).addDump,
  forget: async () => (await import("./forget.ts")).addForget,
  rewrite: async () => (await import("./rewrite.ts")).addRewrite,
  tag: async () => (await import("./tag.ts")).addTag,
  register: async () => (await import("./server-commands.ts")).addRegister,
  status: async () => (await import("./server-commands.ts")).addStatus,
  daemon: async () => (await import("./server-commands.ts")).addDaemon,
  "seal-restore": async () => (await import("./server-commands.ts")).addSealRestore,
  vault: async () => (await import("./vault.ts")).addVault,
  hooks: async () => (await import("./hooks.ts")).addHooks,
  unreadable: async () => (await import("./unreadable.ts")).addUnreadable,
  recover: async () => (await import("./recover.ts")).addRecover,
  init: async () => (await import("./init.ts")).addInit,
  copy: async () => (await import("./copy.ts")).addCopy,
  check: async () => (await import("./check.ts")).addCheck,
  prune: async () => (await import("./prune.ts")).addPrune,
  repair: async () => (await import("./repair.ts")).addRepair,
  stats: async () => (await import("./stats.ts")).addStats,
  unlock: async () => (await import("./unlock.ts")).addUnlock,
  key: async () => (await import("./key.ts")).addKey,
  version: async () => (await import("./version-command.ts")).addVersion,
};

/** Adds every command: those named in `argv` whole, the others as a name and a summary, which is all that the help shows of them. */
export async function addCommands(line: CommandLine, argv: readonly string[]): Promise<void> {
  for (const name of Object.keys(summaries) as CommandName[]) {
    // An option's value may look like a command's name: then one command more is loaded, and no harm is done.
    if (argv.includes(name)) (await loaders[name]())(line);
    else line.program.command(name).summary(summaries[name]);
  }
}
