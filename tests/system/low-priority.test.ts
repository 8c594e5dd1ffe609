import { execFileSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { agentAt } from "../support/saveos-agent.ts";
import { tempFolder } from "../support/temp-folder.ts";

// Only Linux tells the priorities of single threads, which is where they can go wrong.
const onLinux = test.skipIf(process.platform !== "linux");

onLinux(
  "with --low-priority every thread of the agent lets others go first, for the processor and the disk",
  async () => {
    expect(await prioritiesWhileBackingUp("--low-priority")).toEqual(new Set(["nice 10, disk idle"]));
  },
);

onLinux("without it the agent is as any other program", async () => {
  expect(await prioritiesWhileBackingUp()).toEqual(new Set([await prioritiesOf("self").then(([own]) => own)]));
});

/** The priorities of all threads of an agent in the middle of a backup, which waits for a command to go on. */
async function prioritiesWhileBackingUp(...options: string[]): Promise<ReadonlySet<string>> {
  await using temp = await tempFolder();
  const agent = agentAt(join(temp.path, "home"), { env: { RESTIC_PASSWORD: "geheim" } });
  const repo = ["--repo", join(temp.path, "repository")];
  await agent(...repo, "init");
  const waits = ["sh", "-c", "echo begun >&2; exec sleep 600"];
  await using backup = agent.start(...repo, ...options, "backup", "--stdin-from-command", "--", ...waits);
  await backup.until("begun");
  return new Set(await prioritiesOf(String(backup.process.pid)));
}

async function prioritiesOf(pid: string): Promise<string[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  return await Promise.all(threads.map((thread) => priorityOf(pid, thread)));
}

/** proc_pid_stat(5): the name in brackets may hold anything; nice is the 17th field behind it. */
async function priorityOf(pid: string, thread: string): Promise<string> {
  const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, "utf8");
  const nice = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16];
  const disk = execFileSync("ionice", ["-p", thread], { encoding: "utf8" }).trim();
  return `nice ${nice}, disk ${disk}`;
}
