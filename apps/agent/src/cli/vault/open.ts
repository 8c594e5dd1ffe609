import { open, rm } from "node:fs/promises";
import { AgentError } from "../../errors/agent-error.ts";
import { messageOf, systemErrorCode } from "../../errors/system-error.ts";
import { ownerOnlyMode } from "../../host/durable-file.ts";
import type { Invocation } from "../command-line.ts";
import { type OpenOptions, openVault } from "./open-vault.ts";
import { openProven, passwordsOf } from "./sealed-passwords.ts";
import { VaultServer } from "./vault-server.ts";

export interface OpenPasswordOptions extends OpenOptions {
  readonly passwordTo?: string;
}

/** Opens a repository's sealed password and puts it where it was asked for: into a new file for this user only, or on standard output for a program. */
export async function openPassword(invocation: Invocation<OpenPasswordOptions>): Promise<void> {
  const { world, options, operands, print } = invocation;
  const { passwordTo } = options;
  if (passwordTo === undefined)
    throw new AgentError("usage", "Where the password is to go was not said.", {
      hint: "--password-to FILE writes it into a new file that only you can read; --password-to - prints it, for restic's --password-command.",
    });
  await using server = await VaultServer.find(invocation);
  const { identity } = await openVault(invocation, server);
  const passwords = await passwordsOf(server, identity, operands[0] ?? "");
  if (passwords.length > 1)
    await print.warn("Different passwords are sealed for this repository: its machine may have been taken over.");
  const found = passwords.length > 1 ? (await openProven(world, server, passwords)).password : passwords[0];
  if (passwordTo === "-") await world.stdout.write(`${found.password}\n`);
  else {
    await writeNewFile(passwordTo, `${found.password}\n`);
    await print.result(
      `The password of repository ${found.repositoryId} (${found.host}) is in ${passwordTo}. Remove it when you are done.`,
      `restic opens it with -r rest:${server.url}/restic/${found.repositoryId}/ --password-file ${passwordTo}`,
      `What is sealed to ${found.agentRecipient}, its machine can open.`,
    );
    const { repositoryId: repository_id, host, agentRecipient: agent_recipient } = found;
    await print.record({ message_type: "password_opened", repository_id, host, agent_recipient, file: passwordTo });
  }
}

async function writeNewFile(file: string, text: string): Promise<void> {
  let handle;
  try {
    handle = await open(file, "wx", ownerOnlyMode);
  } catch (cause) {
    throw new AgentError("usage", `Could not make ${file}: ${systemErrorCode(cause) ?? messageOf(cause)}`, {
      cause,
      hint: "The password goes into a new file only, so that nobody else has it open.",
    });
  }
  try {
    await handle.writeFile(text);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}
