import { open, rm } from "node:fs/promises";
import { openSealedPassword, type RepositoryPassword } from "@saveos/vault";
import { AgentError } from "../../errors/agent-error.ts";
import { messageOf, systemErrorCode } from "../../errors/system-error.ts";
import { ownerOnlyMode } from "../../host/durable-file.ts";
import type { Invocation } from "../command-line.ts";
import { type OpenOptions, openVault } from "./open-vault.ts";
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
  const [found, ...others] = await passwordsOf(server, identity, operands[0] ?? "");
  if (others.length > 0)
    await print.warn(
      "This repository has had other passwords sealed since: its machine may have been taken over. This is the first one.",
    );
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

/** What was sealed earlier is trusted more: an agent that was taken over later can't have changed it. */
const trust = ["resealed", "first", "last"] as const;

/** The different passwords that were sealed for a repository, given by its id or its machine's name, the one to trust first. */
async function passwordsOf(
  server: VaultServer,
  identity: string,
  which: string,
): Promise<readonly [RepositoryPassword, ...RepositoryPassword[]]> {
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(which);
  const sealed = isId
    ? await server.sealedPasswords(which)
    : (await server.sealedPasswords()).filter(({ hostname }) => hostname === which);
  const ids = new Set(sealed.map(({ repository_id: id }) => id));
  if (ids.size > 1)
    throw new AgentError("usage", `There are several machines "${which}".`, {
      hint: `Name the repository: ${[...ids].join(", ")}`,
    });
  const byTrust = sealed.toSorted(
    (one, other) =>
      other.generation - one.generation ||
      trust.indexOf(one.kept_as) - trust.indexOf(other.kept_as) ||
      Date.parse(other.sealed_at) - Date.parse(one.sealed_at),
  );
  const contents: RepositoryPassword[] = [];
  for (const each of byTrust) {
    const content = await openSealedPassword(identity, each.sealed).catch(() => undefined);
    // The server may have put another repository's in its place.
    if (content?.repositoryId !== each.repository_id) continue;
    if (!contents.some(({ password }) => password === content.password)) contents.push(content);
  }
  const [first, ...others] = contents;
  if (first !== undefined) return [first, ...others];
  throw new AgentError(
    "usage",
    sealed.length === 0
      ? `No password is sealed for "${which}".`
      : `No password that is sealed for "${which}" can be opened with the vault's present identity.`,
    {
      hint:
        sealed.length === 0
          ? "`saveos-agent status` on its machine says why."
          : "After a rotation, machines seal theirs again as they come by.",
    },
  );
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
