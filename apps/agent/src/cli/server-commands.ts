import { addCommand, type CommandLine, onRun } from "./command-line.ts";
import type { DaemonOptions } from "./daemon.ts";
import type { RegisterOptions } from "./register.ts";
import type { SealRestoreOptions } from "./seal-restore.ts";
import { summaries } from "./summaries.ts";

// What these commands do is loaded when they run: it speaks with the server, and takes its time to load.

/** `saveos-agent register` */
export function addRegister(line: CommandLine): void {
  const register = addCommand(line.program, "register [file]", {
    summary: summaries.register,
    description:
      "The file is what an administrator got for this machine from the server; - is standard input. " +
      "If it stops half-way, run it again: it goes on where it stopped.",
    examples: [
      "saveos-agent register web1.enrolment.json",
      "sudo saveos-agent register --system - < web1.enrolment.json",
    ],
  });
  register
    .option("--server <url>", "the server's address, if there is no file")
    .option("--ca <file>", "its certificate authority (PEM)")
    .option("--token-file <file>", "file that holds the enrolment token")
    .option("--repository-password-file <file>", "password of the repository that this machine takes over")
    .option("--vault <pin>", "the vault to seal this machine's password to, if it is known for certain")
    .option("--resume", "go on with an enrolment that stopped half-way");
  onRun<RegisterOptions>(line, register, async (invocation) =>
    (await import("./register.ts")).registerMachine(invocation),
  );
}

/** `saveos-agent status` */
export function addStatus(line: CommandLine): void {
  const status = addCommand(line.program, "status", {
    summary: summaries.status,
    examples: ["saveos-agent status", "saveos-agent status --json"],
  });
  onRun(line, status, async (invocation) => (await import("./status.ts")).tellStatus(invocation));
}

/** `saveos-agent daemon` */
export function addDaemon(line: CommandLine): void {
  const daemon = addCommand(line.program, "daemon", {
    summary: summaries.daemon,
    description: "Runs until it is stopped. Orders run one at a time; reports wait here while the server is away.",
    examples: ["saveos-agent daemon", "sudo saveos-agent daemon --system"],
  });
  daemon.option("--normal-priority", "don't let other programs go first");
  onRun<DaemonOptions>(line, daemon, async (invocation) => (await import("./daemon.ts")).runDaemonCommand(invocation));
}

/** `saveos-agent seal-restore` */
export function addSealRestore(line: CommandLine): void {
  const sealRestore = addCommand(line.program, "seal-restore [paths...]", {
    summary: summaries["seal-restore"],
    description:
      "Prints the `sealed` of an order for a restore (POST /api/v1/restore): the paths to restore, as the snapshot has them, and this machine's " +
      "repository password, so that another machine can restore from this one's repository. Only the machine that restores can open it; the server can't.",
    examples: [
      "saveos-agent seal-restore --recipient age1… /home/ann/notes.txt",
      "saveos-agent seal-restore --recipient age1… --no-password /home/ann/notes.txt",
    ],
  });
  sealRestore
    .option("--recipient <age>", "the machine that restores: its `saveos-agent status` shows it")
    .option("--repository-password-file <file>", "another repository's password instead of this machine's")
    .option("--no-password", "seal paths only: for a machine that restores from its own repository");
  onRun<SealRestoreOptions>(line, sealRestore, async (invocation) =>
    (await import("./seal-restore.ts")).sealRestore(invocation),
  );
}
