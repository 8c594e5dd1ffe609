import type { Command } from "commander";
import type { KeyInfo } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { machineFacts } from "../host/facts.ts";
import { findNewPassword } from "../repository/find-password.ts";
import { findRepository } from "../repository/find-repository.ts";
import { type Column, tableLines } from "../terminal/table.ts";
import { aroundDamage } from "./around-damage.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { plainTime } from "./records/long-line.ts";
import { openForCommand } from "./repository-command.ts";
import { summaries } from "./summaries.ts";

interface NewKeyOptions {
  readonly newPasswordFile?: string;
  readonly host?: string;
  readonly user?: string;
}

/** `saveos-agent key`: the passwords of a repository. */
export function addKey(line: CommandLine): void {
  const key = addCommand(line.program, "key", {
    summary: summaries.key,
    examples: ["saveos-agent key list", "saveos-agent key add --new-password-file second-password"],
  });
  addKeyList(line, key);
  addKeyAdd(line, key);
  addKeyRemove(line, key);
  addKeyPasswd(line, key);
}

function addKeyList(line: CommandLine, key: Command): void {
  const command = addCommand(key, "list", { summary: "List the keys", examples: ["saveos-agent key list --json"] });
  onRun(line, command, async (invocation) => {
    const { world, print } = invocation;
    const { displayName, formatTime, listKeys, localZone, parseTime } = await import("@saveos/engine");
    await using opened = await openForCommand(invocation);
    const keys = await listKeys(opened.repository, { signal: world.signal, ...aroundDamage(print) });
    const createdOf = ({ created }: KeyInfo) => plainTime(formatTime(parseTime(created), localZone));
    const columns: Column<KeyInfo>[] = [
      { title: " ID", cell: ({ id, current }) => [`${current ? "*" : " "}${id.slice(0, 8)}`] },
      { title: "User", cell: ({ username }) => [displayName(username)] },
      { title: "Host", cell: ({ hostname }) => [displayName(hostname)] },
      { title: "Created", cell: (info) => [createdOf(info)] },
    ];
    await print.result(...tableLines(columns, keys));
    await print.record(
      keys.map((info) => ({
        current: info.current,
        id: info.id,
        userName: info.username,
        hostName: info.hostname,
        created: createdOf(info),
      })),
    );
  });
}

function addKeyAdd(line: CommandLine, key: Command): void {
  const command = addCommand(key, "add", {
    summary: "Add a password",
    examples: ["saveos-agent key add --new-password-file second-password"],
  });
  addNewKeyOptions(command);
  onRun<NewKeyOptions>(line, command, async (invocation) => {
    const { addKey: addKeyTo } = await import("@saveos/engine");
    await using opened = await openForCommand(invocation);
    const id = await addKeyTo(opened.repository, { ...(await newKey(invocation)), lock: opened.lock });
    await invocation.print.result(`Added key ${id.slice(0, 8)}`);
    await invocation.print.record({ message_type: "key_added", id });
  });
}

function addKeyRemove(line: CommandLine, key: Command): void {
  const command = addCommand(key, "remove <id>", {
    summary: "Remove a password",
    description: "The key in use can't be removed: open the repository with another password for that.",
    examples: ["saveos-agent key remove f4911898"],
  });
  onRun(line, command, async (invocation) => {
    const { removeKey } = await import("@saveos/engine");
    await using opened = await openForCommand(invocation);
    const idPrefix = invocation.operands[0] ?? "";
    const id = await removeKey(opened.repository, { idPrefix, lock: opened.lock, signal: invocation.world.signal });
    await invocation.print.result(`Removed key ${id.slice(0, 8)}`);
    await invocation.print.record({ message_type: "key_removed", id });
  });
}

function addKeyPasswd(line: CommandLine, key: Command): void {
  const command = addCommand(key, "passwd", {
    summary: "Change the password in use",
    examples: ["saveos-agent key passwd --new-password-file new-password"],
  });
  addNewKeyOptions(command);
  onRun<NewKeyOptions>(line, command, async (invocation) => {
    await refuseOnServer(invocation);
    const { changePassword } = await import("@saveos/engine");
    await using opened = await openForCommand(invocation);
    const id = await changePassword(opened.repository, { ...(await newKey(invocation)), lock: opened.lock });
    await invocation.print.result(`Changed the password: the key is now ${id.slice(0, 8)}`);
    await invocation.print.record({ message_type: "key_changed", id });
  });
}

/** The server lets agents add keys and remove none, so that a stolen agent can't lock anybody out: half a change is worse than none. */
async function refuseOnServer({ world, global }: Invocation<NewKeyOptions>): Promise<void> {
  const choice = await findRepository(world, global);
  if (choice.kind === "enrolled")
    throw new AgentError("usage", "The server lets this machine add keys to its repository and remove none.", {
      hint: "`saveos-agent key add` adds another password; the present one stays.",
    });
}

function addNewKeyOptions(command: Command): void {
  command
    .option("--new-password-file <file>", "file that holds the new password")
    .option("--host <host>", "host to record in the key")
    .option("--user <user>", "user to record in the key");
}

async function newKey({ world, options }: Invocation<NewKeyOptions>): Promise<{
  password: string;
  hostname: string;
  username: string;
  signal: AbortSignal;
}> {
  const facts = machineFacts();
  return {
    password: await findNewPassword(world, options.newPasswordFile),
    hostname: options.host ?? facts.hostname,
    username: options.user ?? facts.username,
    signal: world.signal,
  };
}
